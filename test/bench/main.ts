/**
 * `npm run bench [-- --only SUBJECT]...`: this project beside its peers, in one run on this machine. Goes on in
 * inside.ts, in namespaces of its own: whatever happens in there, nothing of it is left when their first process has
 * gone.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { wantedSubjects } from "./subjects.ts";

const args = process.argv.slice(2);
try {
  wantedSubjects(args);
  const alone = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];
  const inside = [process.execPath, "scripts/run.mjs", "test/bench/inside.ts", ...args];
  const child = spawn("unshare", [...alone, ...inside], { stdio: "inherit" });
  // A Ctrl-C reaches the inner process too, and that one cleans up.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = (await once(child, "exit")) as [number | null];
  process.exitCode = code ?? 1;
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
