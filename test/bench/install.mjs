/** Installs from Debian what the bench compares with, where it is missing. */
import { delimiter } from "node:path";
import { installCommands } from "../../scripts/setup/debian.mjs";
import { SetupError } from "../../scripts/setup/step.mjs";

/** By a command that the package brings. CNI's `bridge` is also the name of one of iproute2's. */
const peers = {
  ptp: "containernetworking-plugins",
  netavark: "netavark",
  containerd: "containerd",
  dockerd: "docker.io",
  iptables: "iptables",
  etcdctl: "etcd-client",
  iperf3: "iperf3",
  gcc: "gcc",
  // The C library's headers bring no command; this package depends on them.
  "g++": "g++",
};

// Debian keeps the first two where only other programs look.
process.env["PATH"] = [process.env["PATH"], "/usr/lib/cni", "/usr/lib/podman", "/usr/sbin"].join(delimiter);
try {
  await installCommands(peers);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
