import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 50;
const ANSWER_TIMEOUT_MS = 2000;

/** Whether the etcd at `endpoint` can be read and written before the time is up, or the signal comes. */
export async function becomesHealthy(endpoint: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isHealthy(endpoint))) {
    if (performance.now() > deadline || signal?.aborted) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** One look. */
export function isHealthy(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const no = (): void => resolve(false);
    const options = { agent: false as const, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) };
    const request = get(`${endpoint}/health`, options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.on("end", () => resolve(/"health":\s*"true"/.test(body))).on("error", no);
    });
    request.on("error", no);
  });
}
