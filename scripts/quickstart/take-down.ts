import { snapshot } from "../../test/helpers/snapshot.ts";
import { backend, castOf, frontend, roles, serviceOf } from "./cast.ts";
import { attempt, environment } from "./command.ts";
import { remove, removeImage } from "./containers.ts";
import { stopEtcd } from "./etcd.ts";
import { closeAgain } from "./host-firewall.ts";
import { forget, readState } from "./state.ts";
import { fail, heading, pass } from "./terminal.ts";

/**
 * Takes down whatever stands, as far as it came, and compares the host with what it was before.
 *
 * @returns how many checks failed.
 */
export async function takeDown(): Promise<number> {
  const state = readState();
  if (state === undefined) {
    forget();
    return 0;
  }
  heading("Taking it down");
  Object.assign(environment, state.environment);
  const containers = castOf(state.docker);
  const services = roles(containers).map(serviceOf);
  let failures = 0;
  const expect = (what: string, done: boolean): void => {
    if (done) return;
    fail(`it failed: ${what}`);
    failures++;
  };
  const expected = async (...words: string[]): Promise<void> =>
    expect(words.slice(0, 3).join(" "), await attempt(...words));
  await expected("calicoctl", "service", "unpublish", "--force", "--ignore", ...services);
  await expected("calicoctl", "network", "rm", "--ignore", frontend.name, backend.name);
  for (const container of containers) await remove(container);
  if (state.docker) await removeImage();
  expect("nft delete rule", await closeAgain(state.closed));
  if (state.etcd !== undefined) await stopEtcd(state.etcd);
  failures += compare(state.before, await snapshot());
  forget();
  return failures;
}

/** 1 and the differences if there is one, else 0. */
function compare(before: string, after: string): 0 | 1 {
  const [had, has] = [before, after].map((text) => new Set(text.split("\n")));
  const gone = [...(had ?? [])].filter((line) => has?.has(line) === false).map((line) => `- ${line}`);
  const left = [...(has ?? [])].filter((line) => had?.has(line) === false).map((line) => `+ ${line}`);
  if (before === after) {
    pass("the host is as it was found: interfaces, addresses, routes, rules, neighbours, nftables, sysctls");
    return 0;
  }
  fail(["the host is not as it was found:", ...gone, ...left].join("\n"));
  return 1;
}
