/** A container as this host knows it: what a person named, found. */
export interface ContainerRef {
  runtime: "pid" | "netns" | RuntimeName;
  /** The full container id; or the PID, or the canonical path of the namespace, as text. */
  id: string;
  /** The human name, where the runtime keeps one. */
  name?: string;
  /** The file to open: `/proc/PID/ns/net`, `/run/netns/NAME`, or the path that was given. */
  namespacePath: string;
  /** The container's first process; absent for a namespace that was named by its file. */
  pid?: number;
  /** Field 22 of `/proc/PID/stat` (clock ticks since boot), by which a reused PID is noticed. */
  startTime?: string;
}

/** The container runtimes that can be asked, in the order in which they are believed. */
export const runtimeNames = ["podman", "docker", "containerd"] as const;

export type RuntimeName = (typeof runtimeNames)[number];

/** How the runtimes write their own names. */
export const properName: Record<RuntimeName, string> = {
  docker: "Docker",
  podman: "Podman",
  containerd: "containerd",
};

/** A container that a runtime told of. */
export interface Candidate {
  runtime: RuntimeName;
  id: string;
  name?: string;
  /** 0 while it does not run. */
  pid: number;
  /** The command that starts it. */
  startCommand: string;
}

/** One container runtime. Both calls throw RuntimeUnavailable when it does not answer as it should. */
export interface Runtime {
  readonly name: RuntimeName;
  /** The containers, running or not, that `text` names: by full id, by a prefix of a hexadecimal id, or by name. */
  find(text: string, signal: AbortSignal): Promise<Candidate[]>;
  /** The running containers. */
  list(signal: AbortSignal): Promise<Candidate[]>;
}

/** A runtime that cannot be asked; the message says why, to follow the runtime's name and a colon. */
export class RuntimeUnavailable extends Error {
  /** Whether there is any sign of the runtime on this host. */
  readonly present: boolean;

  constructor(message: string, options: { present: boolean }) {
    super(message);
    this.name = "RuntimeUnavailable";
    this.present = options.present;
  }
}

/** What Docker, Podman and containerd allow in names and ids. */
export const isContainerName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(text);
