/** What the agent answers, by method and path. */
import type { Drops } from "../drivers/driver.ts";
import type { Routes } from "./control-server.ts";
import type { EventKind } from "./events.ts";
import { metricsText } from "./metrics.ts";
import type { AgentReport } from "./report.ts";

export interface Answers {
  report(): AgentReport;
  events(): ReadonlyMap<EventKind, number>;
  drops(): Promise<Drops>;
  stop(): void;
}

export const routesOf = ({ report, events, drops, stop }: Answers): Routes => ({
  // That it answers says that it lives: all work is done on the thread that answers.
  "GET /livez": () => ({ status: 200, body: { live: true } }),
  "GET /readyz": () => {
    const { ready, id, node, version, pid, libnetwork } = report();
    const common = { node, version, pid, libnetwork };
    return ready ? { status: 200, body: { id, ...common } } : { status: 503, body: common };
  },
  "GET /status": () => ({ status: 200, body: report() }),
  "GET /metrics": async () => ({ status: 200, body: metricsText(report(), events(), await drops()) }),
  "POST /stop": () => {
    stop();
    return { status: 202, body: { stopping: true } };
  },
});
