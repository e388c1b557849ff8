import { type ChildProcess, spawn, spawnSync } from "node:child_process";

export interface CallOptions {
  readonly stdin?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Runs a program to its end; everybody's time is taken around this. Answers what it printed; throws when it fails. */
export function call([file = "", ...args]: readonly string[], { stdin = "", env }: CallOptions = {}): string {
  const done = spawnSync(file, args, {
    input: stdin,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  if (done.status === 0) return done.stdout;
  const how = done.error?.message ?? `exit code ${done.status ?? done.signal}`;
  throw new Error(`${[file, ...args].join(" ")}: ${how}\n${done.stdout}${done.stderr}`);
}

/** The same, for what must not stop this process meanwhile. */
export async function callAside([file = "", ...args]: readonly string[]): Promise<string> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code === 0) return stdout;
  throw new Error(`${[file, ...args].join(" ")}: exit code ${String(code)}\n${stdout}${stderr}`);
}

/** Ends a process, and waits until it has. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/** Waits until something outside this process is so. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
