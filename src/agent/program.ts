import { execFile } from "node:child_process";
import { failure } from "../base/errors.ts";

const TIMEOUT_MS = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * What a program of the system prints (on stderr, when it prints nothing else), without a shell and in its plain language. UserError `failure` with its own
 * words when it is missing, fails, or takes longer than ten seconds.
 */
export function runProgram(name: string, args: readonly string[], timeoutMs = TIMEOUT_MS): Promise<string> {
  const env = { PATH: searchPath(), LC_ALL: "C" };
  return new Promise((resolve, reject) => {
    execFile(
      name,
      args,
      { env, timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: MOST_BYTES },
      (error, out, err) => {
        if (error === null) return resolve(out === "" ? err : out);
        if (error.code === "ENOENT") return reject(failure(`there is no program ${name}`, undefined, error));
        const [words = ""] = err.trim().split("\n");
        const why = words === "" ? (error.signal ?? `exit code ${error.code}`) : words;
        reject(failure(`${[name, ...args].join(" ")}: ${why}`, undefined, error));
      },
    );
  });
}

/** Where sudo and cron leave folders out; relative entries would mean the working directory. */
const searchPath = (): string => {
  const own = (process.env["PATH"] ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...own, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":");
};
