import { spawnSync } from "node:child_process";
import { SetupError } from "./step.mjs";

/** Linux, a Node that is new enough, and root. */
export function checkMachine() {
  if (process.platform !== "linux") throw new SetupError(`this needs Linux; here is ${process.platform}.`);
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new SetupError(`this needs Node 20.19 or later; here is ${process.versions.node}.`);
  if (process.getuid?.() !== 0)
    throw new SetupError("this needs root, for network namespaces and packages: run it again with sudo.");
}

/** Of each kind that is needed, one; so the kernel's modules are loaded from here on. */
const ruleset =
  "table inet cnm { chain c { type filter hook forward priority 0; ct state established accept; };" +
  " chain n { type nat hook postrouting priority 100; masquerade; }; }";

/** Root in a container may still lack what it takes: tried in a namespace that is gone afterwards. */
export function checkKernel() {
  attempt("network namespaces with veth interfaces", [
    "ip",
    "link",
    "add",
    "cnm0",
    "type",
    "veth",
    "peer",
    "name",
    "cnm1",
  ]);
  attempt("nftables with connection tracking", ["nft", ruleset]);
}

/**
 * @param {string} what
 * @param {readonly string[]} command
 */
function attempt(what, command) {
  const tried = spawnSync("unshare", ["--net", "--mount", ...command], { encoding: "utf8" });
  if (tried.status === 0) return;
  const why = (tried.error?.message ?? tried.stderr).trim();
  throw new SetupError(
    `this kernel or container does not allow ${what}: ${why}\n` +
      "In a container, start it with --privileged (CAP_NET_ADMIN and CAP_SYS_ADMIN are needed).",
  );
}
