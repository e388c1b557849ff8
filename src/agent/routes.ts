/** What the agent answers, by method and path. */
import type { Routes } from "./control-server.ts";
import { type Measured, metricsText } from "./metrics.ts";
import type { AgentReport } from "./report.ts";

export interface Answers {
  report(): AgentReport;
  measured(): Promise<Measured>;
  /** Takes the figures of a command; whether they made sense. */
  told(timing: string): boolean;
  stop(): void;
}

export const routesOf = ({ report, measured, told, stop }: Answers): Routes => ({
  // That it answers says that it lives: all work is done on the thread that answers.
  "GET /livez": () => ({ status: 200, body: { live: true } }),
  "GET /readyz": () => {
    const { ready, id, node, version, pid, libnetwork } = report();
    const common = { node, version, pid, libnetwork };
    return ready ? { status: 200, body: { id, ...common } } : { status: 503, body: common };
  },
  "GET /status": () => ({ status: 200, body: report() }),
  "GET /metrics": async () => ({ status: 200, body: metricsText(await measured()) }),
  "POST /timings": (timing) =>
    told(timing)
      ? { status: 202, body: { taken: true } }
      : { status: 400, body: { error: { code: "usage", message: "no timing of a verb" } } },
  "POST /stop": () => {
    stop();
    return { status: 202, body: { stopping: true } };
  },
});
