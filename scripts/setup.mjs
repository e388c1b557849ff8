/**
 * Makes this machine ready: `node scripts/setup.mjs [--test]`. Runs before node_modules exists, so it uses nothing but
 * Node itself. What is there already is left alone; a second run does nothing and is quick. `--test` also brings the
 * real parts that only the tests talk to.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { installCommands } from "./setup/debian.mjs";
import { checkKernel, checkMachine } from "./setup/machine.mjs";
import { buildProject, installPackages } from "./setup/project.mjs";
import { SetupError } from "./setup/step.mjs";

/**
 * Which Debian package brings a command (and, for a program of many parts, a part that smaller builds of it lack).
 * Looked up by command, so that another vendor's package is not replaced.
 */
const needed = {
  etcd: "etcd-server",
  nft: "nftables",
  ip: "iproute2",
  ping: "iputils-ping",
  "busybox httpd": "busybox-static",
  sysctl: "procps",
  setpriv: "util-linux",
  tar: "tar",
};
const neededByTests = {
  etcdctl: "etcd-client",
  dockerd: "docker.io",
  containerd: "containerd",
  podman: "podman",
  conntrack: "conntrack",
  openssl: "openssl",
  bird: "bird2",
  python3: "python3",
  zsh: "zsh",
  fish: "fish",
};

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
// `su` without a dash keeps a user's PATH, which has no sbin.
process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

try {
  checkMachine();
  await installCommands(process.argv.includes("--test") ? { ...needed, ...neededByTests } : needed);
  checkKernel();
  await installPackages();
  await buildProject();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
