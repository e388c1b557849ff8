import { join } from "node:path";

/** Where the kernel and the runtimes keep what is read here. */
export interface Places {
  readonly proc: string;
  /** Where iproute2 keeps named network namespaces. */
  readonly netns: string;
  readonly dockerSocket: string;
  readonly podmanSocket: string;
  /** Podman makes this directory when it first runs after boot: without it, no Podman container runs. */
  readonly podmanState: string;
  readonly podmanCommands: readonly string[];
  readonly containerdSocket: string;
  /** containerd keeps a directory for each of its namespaces here, while tasks run in it. */
  readonly containerdTasks: string;
}

/** The usual places, below `root`. */
export const placesBelow = (root = "/"): Places => ({
  proc: join(root, "proc"),
  netns: join(root, "run/netns"),
  dockerSocket: join(root, "var/run/docker.sock"),
  podmanSocket: join(root, "run/podman/podman.sock"),
  podmanState: join(root, "run/libpod"),
  podmanCommands: [join(root, "usr/bin/podman"), join(root, "usr/local/bin/podman")],
  containerdSocket: join(root, "run/containerd/containerd.sock"),
  containerdTasks: join(root, "run/containerd/io.containerd.runtime.v2.task"),
});
