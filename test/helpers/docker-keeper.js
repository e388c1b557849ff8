/**
 * Runs containerd and dockerd below a directory, until its own standard input ends: that is when a test closes it, or
 * when the test runner dies, however it dies. Then it stops the containers and both daemons, and removes the directory.
 * Usage: docker-keeper.js DIRECTORY [NAMESPACE-FILE]. Says "ready" on standard output once Docker answers. In a mount
 * namespace of its own (unshare --mount), Docker finds the plugins in DIRECTORY/plugins. Reads commands, a line each:
 * "kill" and "stop" end dockerd alone, "start" starts it again; each says "done".
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const [directory, namespaceFile] = process.argv.slice(2);
const at = (name) => join(directory, name);
const daemons = [];
let namespace = namespaceFile;
const stopping = new AbortController();

createInterface(process.stdin).on("line", (line) => void obey(line));
process.stdin.on("end", () => void stop(0));
process.on("SIGTERM", () => void stop(0));
process.on("SIGINT", () => void stop(0));

mkdirSync(at("containerd"), { recursive: true });
writeFileSync(
  at("containerd.toml"),
  `version = 2
root = "${at("containerd/root")}"
state = "${at("containerd/state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${at("containerd.sock")}"
`,
);
// Without a file of its own, dockerd would read the machine's.
writeFileSync(at("docker.json"), "{}");
// Docker looks for plugins in one place, which other tests' Dockers and the machine's own must not share.
if (process.env.CNMT_OWN_MOUNTS) await hideRun();
start("containerd", ["--config", at("containerd.toml")]);
await until(() => existsSync(at("containerd.sock")));
startDockerd();
await until(answers);
if (!stopping.signal.aborted) process.stdout.write("ready\n");

function startDockerd() {
  start("dockerd", [
    ...["--host", `unix://${at("docker.sock")}`, "--containerd", at("containerd.sock"), "--pidfile", at("docker.pid")],
    ...["--data-root", at("data"), "--exec-root", at("exec"), "--config-file", at("docker.json")],
    ...["--iptables=false", "--ip6tables=false", "--bridge=none", "--shutdown-timeout", "1"],
  ]);
}

async function hideRun() {
  if (namespaceFile !== undefined) {
    namespace = at("namespace");
    writeFileSync(namespace, "");
    await run("mount", ["--bind", namespaceFile, namespace]);
  }
  await run("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  mkdirSync("/run/docker/plugins", { recursive: true });
  mkdirSync(at("plugins"), { recursive: true });
  await run("mount", ["--bind", at("plugins"), "/run/docker/plugins"]);
}

async function obey(line) {
  const dockerd = daemons.find(({ spawnfile, spawnargs }) => [spawnfile, ...spawnargs].includes("dockerd"));
  if (line === "start") {
    startDockerd();
    await until(answers);
  } else if (dockerd !== undefined) {
    daemons.splice(daemons.indexOf(dockerd), 1);
    dockerd.removeAllListeners("exit");
    dockerd.kill(line === "kill" ? "SIGKILL" : "SIGTERM");
    await once(dockerd, "exit");
    rmSync(at("docker.pid"), { force: true });
  }
  process.stdout.write("done\n");
}

/** A daemon of a session of its own, so that what interrupts the runner does not reach it before the containers end. */
function start(command, args) {
  const inside = namespace === undefined ? [] : ["nsenter", `--net=${namespace}`];
  const [file, ...rest] = [...inside, command, ...args];
  const daemon = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const log = createWriteStream(at(`${command}.log`));
  daemon.stdout.pipe(log);
  daemon.stderr.pipe(log);
  daemon.on("error", () => void stop(1));
  daemon.on("exit", () => void stop(1));
  daemons.unshift(daemon);
}

async function until(condition) {
  while (!stopping.signal.aborted && !(await condition())) await delay(20);
}

function answers() {
  return new Promise((resolve) => {
    const ping = request({ socketPath: at("docker.sock"), path: "/_ping" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("error", () => resolve(false));
    ping.end();
  });
}

async function stop(status) {
  if (stopping.signal.aborted) return;
  stopping.abort();
  if (status !== 0) {
    for (const name of ["containerd.log", "dockerd.log"]) {
      if (existsSync(at(name))) process.stderr.write(readFileSync(at(name)).subarray(-2000));
    }
  }
  await killTasks();
  for (const daemon of daemons) {
    if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) continue;
    daemon.kill("SIGTERM");
    await once(daemon, "exit");
  }
  await unmountAll();
  rmSync(directory, { recursive: true, force: true });
  process.exit(status);
}

/** Ends the first process of every container, Docker's or not: the rest of a container dies with it. */
async function killTasks() {
  const ctr = (...args) => run("ctr", ["--address", at("containerd.sock"), ...args]);
  for (const namespace of lines(await ctr("namespaces", "list", "--quiet"))) {
    for (const id of lines(await ctr("--namespace", namespace, "tasks", "list", "--quiet"))) {
      await ctr("--namespace", namespace, "tasks", "delete", "--force", id);
    }
  }
}

async function unmountAll() {
  const mounts = lines(readFileSync("/proc/self/mounts", "utf8")).map((line) => line.split(" ")[1]);
  for (const mount of mounts.filter((path) => path.startsWith(`${directory}/`)).toReversed()) {
    await run("umount", ["--lazy", mount]);
  }
}

/** What a command says; nothing when it fails, since there may be nothing left to clean up. */
function run(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 20_000, killSignal: "SIGKILL" }, (error, stdout) =>
      resolve(error ? "" : stdout),
    );
  });
}

function lines(text) {
  return text.split("\n").filter((line) => line !== "");
}
