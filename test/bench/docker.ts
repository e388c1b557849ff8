/** A dockerd as it is by default (iptables and all), on the bench's own namespaces. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync, writeFileSync } from "node:fs";
import { makeRootfs } from "../helpers/docker.ts";
import { SCRATCH } from "./private.ts";
import { call, end, until } from "./process.ts";

export interface Docker {
  /** With busybox in it. */
  readonly image: string;
  /** Runs the docker command. */
  docker(...args: readonly string[]): string;
  /** Starts a container that sleeps, and answers the path of its network namespace. */
  container(name: string, network: string): string;
  stop(): Promise<void>;
}

const IMAGE = "bench:latest";

export async function startDocker(): Promise<Docker> {
  const at = (name: string): string => `${SCRATCH}/${name}`;
  writeFileSync(at("containerd.toml"), containerdConfig(at));
  writeFileSync(at("docker.json"), "{}");
  const daemons: ChildProcess[] = [];
  const launch = (command: string, ...args: string[]): void => {
    const log = openSync(at(`${command}.log`), "w");
    // In a session of its own: what interrupts the bench must not reach it before its containers have ended.
    daemons.unshift(spawn(command, args, { stdio: ["ignore", log, log], detached: true }));
  };
  const docker = (...args: readonly string[]): string =>
    call(["docker", "--host", `unix://${at("docker.sock")}`, ...args], { env: { DOCKER_CONFIG: SCRATCH } });
  const containers: string[] = [];
  const stop = async (): Promise<void> => {
    if (containers.length > 0) docker("rm", "--force", ...containers);
    for (const daemon of daemons) await end(daemon);
  };

  launch("containerd", "--config", at("containerd.toml"));
  await until("containerd", () => existsSync(at("containerd.sock")));
  const sockets = ["--host", `unix://${at("docker.sock")}`, "--containerd", at("containerd.sock")];
  const places = ["--data-root", at("docker"), "--exec-root", at("exec"), "--pidfile", at("docker.pid")];
  launch("dockerd", ...sockets, ...places, "--config-file", at("docker.json"));
  await until("dockerd", () => existsSync(at("docker.sock")));
  const rootfs = at("rootfs");
  await makeRootfs(rootfs);
  call(["tar", "--create", "--directory", rootfs, "--file", at("image.tar"), "."]);
  docker("import", at("image.tar"), IMAGE);
  return {
    image: IMAGE,
    docker,
    container(name, network) {
      docker("run", "--detach", "--name", name, "--network", network, IMAGE, "/bin/sleep", "100000");
      containers.push(name);
      const pid = docker("inspect", "--format", "{{.State.Pid}}", name).trim();
      return `/proc/${pid}/ns/net`;
    },
    stop,
  };
}

const containerdConfig = (at: (name: string) => string): string => `version = 2
root = "${at("containerd/root")}"
state = "${at("containerd/state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${at("containerd.sock")}"
`;
