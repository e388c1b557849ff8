import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { failure } from "../../base/errors.ts";
import type { Enterable } from "../netlink/socket.ts";

const TIMEOUT_MS = 10_000;

/**
 * Runs a script of the nft program as one transaction, in `namespace` or in that of this process.
 * UserError `failure` with nft's own words when it refuses, is missing, or takes longer than ten seconds.
 */
export function nft(script: string, namespace?: Enterable): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = startIn(namespace);
    let words = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (words += chunk));
    child.stdout.resume();
    child.stdin.on("error", () => undefined); // It died before it had read all; its exit says why.
    child.on("error", (error) => reject(cannotStart(error)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(refused(script, words, signal));
    });
    child.stdin.end(script);
  });
}

/** A child begins in the namespace of the thread that forks it. */
function startIn(namespace: Enterable | undefined): ChildProcessWithoutNullStreams {
  try {
    return namespace === undefined ? start() : namespace.run(start);
  } catch (error) {
    throw cannotStart(error);
  }
}

const start = (): ChildProcessWithoutNullStreams =>
  spawn("nft", ["-f", "-"], {
    env: { ...process.env, PATH: searchPath(), LC_ALL: "C" },
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });

/** Where sudo and cron leave nft's folder out; an empty entry would mean the working directory. */
const searchPath = (): string =>
  [process.env["PATH"], "/usr/sbin", "/sbin"].filter((folder) => folder !== undefined && folder !== "").join(":");

const cannotStart = (error: unknown): Error =>
  failure(
    `cannot start nft: ${error instanceof Error ? error.message : String(error)}`,
    "install the nftables package",
    error,
  );

function refused(script: string, words: string, signal: NodeJS.Signals | null): Error {
  if (signal !== null) return failure(`nft was ended by ${signal}`, "is the machine overloaded? nft has ten seconds");
  const [first = "it gave no reason"] = words.trim().split("\n");
  const at = Number(/:(\d+):\d+/.exec(first)?.[1]);
  const line = script.split("\n")[at - 1]?.trim();
  return failure(`nft refused its script: ${first}${line === undefined ? "" : `, in \`${line}\``}`);
}
