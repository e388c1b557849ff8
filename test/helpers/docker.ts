import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";

/** A real Docker of a test's own, without networks, beside whatever Docker the machine has. */
export interface TestDocker {
  /** As DOCKER_HOST is written. */
  host: string;
  socketPath: string;
  /** The containerd below it, free for containers that Docker knows nothing of. */
  containerdSocket: string;
  /** An image with busybox in it, known to Docker. */
  image: string;
  /** A directory that `ctr run --rootfs` can use: busybox and nothing else. */
  rootfs: string;
  /** Runs the docker command; its standard output. */
  docker(...args: string[]): Promise<string>;
  /** Runs the ctr command; its standard output. */
  ctr(...args: string[]): Promise<string>;
  /** Where it looks for plugins; only with `ownPlugins`. */
  pluginDir: string;
  /** Ends dockerd alone: at once, or as an administrator would; containers are then as dockerd leaves them. */
  endDaemon(how: "kill" | "stop"): Promise<void>;
  /** Starts it again, and waits until it answers. */
  startDaemon(): Promise<void>;
  /** Stops all containers and both daemons, and removes every trace. */
  stop(): Promise<void>;
}

export interface DockerOptions {
  /** The network namespace that it runs in; the runner's own by default. */
  namespaceFile?: string;
  /** Whether it has a folder of plugins of its own, rather than the machine's. */
  ownPlugins?: boolean;
}

const applets = ["sh", "sleep", "ip", "ping", "nc", "cat", "echo", "true", "nslookup", "httpd", "wget"];

/** Everything ends with the runner, even when that is killed. Call `stop` in afterAll. */
export async function startDocker({ namespaceFile, ownPlugins = false }: DockerOptions = {}): Promise<TestDocker> {
  const directory = mkdtempSync(join(tmpdir(), "cnmt-"));
  const [command = "", ...args] = [
    ...(ownPlugins ? ["unshare", "--mount"] : []),
    ...[process.execPath, resolve("test/helpers/docker-keeper.js"), directory],
    ...(namespaceFile === undefined ? [] : [namespaceFile]),
  ];
  const env = { ...process.env, ...(ownPlugins ? { CNMT_OWN_MOUNTS: "1" } : {}) };
  const keeper = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env });
  const exited = once(keeper, "exit");
  let said = "";
  keeper.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ready = await Promise.race([once(keeper.stdout, "data").then(() => true), exited.then(() => false)]);
  if (!ready) throw new Error(`Docker did not start:\n${said}`);

  const stop = async (): Promise<void> => {
    keeper.stdin.end();
    await exited;
  };
  const obey = async (line: string): Promise<void> => {
    const done = once(keeper.stdout, "data");
    keeper.stdin.write(`${line}\n`);
    await done;
  };
  const socketPath = join(directory, "docker.sock");
  const containerdSocket = join(directory, "containerd.sock");
  const host = `unix://${socketPath}`;
  const rootfs = join(directory, "rootfs");
  const image = "cnmt-busybox:latest";
  const docker = async (...args: string[]): Promise<string> =>
    (await execa("docker", ["--host", host, ...args], { env: { DOCKER_CONFIG: directory } })).stdout;
  const ctr = async (...args: string[]): Promise<string> =>
    (await execa("ctr", ["--address", containerdSocket, ...args])).stdout;
  try {
    await makeRootfs(rootfs);
    await execa("tar", ["--create", "--directory", rootfs, "--file", join(directory, "image.tar"), "."]);
    await docker("import", join(directory, "image.tar"), image);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...{ host, socketPath, containerdSocket, image, rootfs, docker, ctr, stop },
    pluginDir: join(directory, "plugins"),
    endDaemon: obey,
    startDaemon: () => obey("start"),
  };
}

/** Busybox and the few commands of it that tests run. */
export async function makeRootfs(directory: string): Promise<void> {
  for (const name of ["bin", "proc", "sys", "dev", "etc", "tmp"]) mkdirSync(join(directory, name), { recursive: true });
  await execa("cp", ["/bin/busybox", join(directory, "bin/busybox")]);
  for (const name of applets) symlinkSync("busybox", join(directory, "bin", name));
}
