import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ask, attempt, type } from "./command.ts";
import { folder } from "./state.ts";
import { note } from "./terminal.ts";

/** Something that calicoctl can attach: a network namespace with a web server inside, or a Docker container. */
export interface Container {
  /** What the person calls it, and `qs-` before it is what the host does. */
  readonly name: string;
  readonly kind: "netns" | "docker";
}

/** Before every name that the quickstart gives, so that nobody else's is met. */
export const prefix = "qs-";

const image = "calicoctl-quickstart";
const pages = join(folder, "www");

/** As calicoctl takes it on its command line. */
export const reference = ({ name, kind }: Container): string => `${kind}:${prefix}${name}`;

/** Which of these names are somebody's already. */
export async function taken(containers: readonly Container[]): Promise<string[]> {
  const found = await Promise.all(
    containers.map(async ({ name, kind }) =>
      kind === "netns"
        ? existsSync(`/run/netns/${prefix}${name}`)
        : (await ask("docker", "container", "inspect", `${prefix}${name}`)) !== undefined,
    ),
  );
  return containers.filter((_, index) => found[index]).map(reference);
}

/** Whether Docker can be part of it; `docker` may be there without its daemon. */
export const dockerAnswers = async (): Promise<boolean> =>
  (await ask("timeout", "3", "docker", "version", "--format", "{{.Server.Version}}")) !== undefined;

export async function start({ name, kind }: Container): Promise<void> {
  const full = `${prefix}${name}`;
  if (kind === "docker") {
    if ((await ask("docker", "image", "inspect", image)) === undefined) await importImage();
    return type("docker", "run", "--detach", "--name", full, "--network", "none", image, ...server("/www", "-f"));
  }
  mkdirSync(pages, { recursive: true });
  writeFileSync(join(pages, "index.html"), page);
  await type("ip", "netns", "add", full);
  await type("ip", "-n", full, "link", "set", "lo", "up");
  await type("ip", "netns", "exec", full, ...server(pages));
}

/** Removes a container and what runs in it; it may be gone already. */
export async function remove({ name, kind }: Container): Promise<void> {
  const full = `${prefix}${name}`;
  if (kind === "docker") {
    await attempt("docker", "rm", "--force", full);
  } else if (existsSync(`/run/netns/${full}`)) {
    const inside = await ask("ip", "netns", "pids", full);
    const pids = inside?.split("\n").filter((pid) => pid !== "") ?? [];
    if (pids.length > 0) await attempt("kill", ...pids);
    await attempt("ip", "netns", "delete", full);
  }
}

/** Whether `from` gets an answer to a ping from, and can connect by TCP to port 80 of an address; within a second each. */
export async function reaches(from: Container, address: string): Promise<{ ping: boolean; tcp: boolean }> {
  const within = from.kind === "docker" ? ["docker", "exec"] : ["ip", "netns", "exec"];
  const inside = (...words: string[]): Promise<boolean> => attempt(...within, `${prefix}${from.name}`, ...words);
  const [ping, tcp] = await Promise.all([
    inside("busybox", "ping", "-c", "1", "-W", "1", address),
    inside("busybox", "nc", "-w", "1", address, "80"),
  ]);
  return { ping, tcp };
}

const page = "A container of calicoctl's quickstart.\n";

const server = (root: string, ...options: string[]): string[] => [
  "busybox",
  "httpd",
  ...options,
  "-p",
  "80",
  "-h",
  root,
];

/** An image of one static program, made here: nothing is fetched. */
async function importImage(): Promise<void> {
  const root = join(folder, "image");
  const archive = join(folder, "image.tar");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "www"));
  writeFileSync(join(root, "www", "index.html"), page);
  const found = (process.env["PATH"] ?? "").split(delimiter).map((path) => join(path, "busybox"));
  await copyFile(found.find(existsSync) ?? "/bin/busybox", join(root, "bin", "busybox"));
  note("An image for Docker, of busybox alone");
  await type("tar", "-C", root, "-cf", archive, ".");
  await type("docker", "import", archive, image);
}

/** Removes the image, if it was made. */
export async function removeImage(): Promise<void> {
  if ((await ask("docker", "image", "inspect", image)) !== undefined) await attempt("docker", "rmi", "--force", image);
}
