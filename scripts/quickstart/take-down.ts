import { backend, cache, db, api, frontend, roles, serviceOf, web } from "./cast.ts";
import { attempt, environment } from "./command.ts";
import { remove, removeImage } from "./containers.ts";
import { stopEtcd } from "./etcd.ts";
import { forget, readState } from "./state.ts";
import { fail, heading, note, pass } from "./terminal.ts";
import { snapshot } from "../../test/helpers/snapshot.ts";

/**
 * Takes down whatever stands, as far as it came, and compares the host with what it was before.
 * @returns how many checks failed.
 */
export async function takeDown(options: { docker: boolean }): Promise<number> {
  heading("Taking it down");
  const containers = options.docker ? [web, api, db, cache] : [web, api, db];
  const services = roles(containers).map(serviceOf);
  let failures = 0;
  const typed = async (...words: string[]): Promise<void> => {
    if (await attempt(...words)) return;
    fail(`${words.join(" ")} failed`);
    failures++;
  };
  const state = readState();
  if (state !== undefined) {
    await typed("calicoctl", "service", "unpublish", "--force", "--ignore", ...services);
    await typed("calicoctl", "network", "rm", "--ignore", frontend.name, backend.name);
  }
  for (const container of containers) await remove(container);
  if (options.docker) await removeImage();
  if (state?.etcd !== undefined) await stopEtcd(state.etcd.pid);
  if (state !== undefined) failures += await compare(state.before);
  forget();
  return failures;
}
