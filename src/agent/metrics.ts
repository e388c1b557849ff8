/** All figures of the agent, as Prometheus reads them; docs/node.md tells what each is. */
import type { PoolView } from "../cnm/model.ts";
import { timedVerbs } from "../cnm/stopwatch.ts";
import type { Drops } from "../drivers/driver.ts";
import type { EventKind } from "./events.ts";
import type { Figures } from "./figures.ts";
import { counter, gauge, histogram } from "./metrics-text.ts";
import type { AgentReport } from "./report.ts";

export interface Measured {
  readonly report: AgentReport;
  readonly events: ReadonlyMap<EventKind, number>;
  /** How often something was mended, by what it was. */
  readonly repairs: ReadonlyMap<string, number>;
  readonly drops: Drops;
  /** Empty while they are not known. */
  readonly pools: readonly PoolView[];
  readonly figures: Figures;
}

export function metricsText({ report, events, repairs, drops, pools, figures }: Measured): string {
  const { node, version, ready, healthy, components, sandboxes, endpoints, backlog } = report;
  const yes = (value: boolean): number => (value ? 1 : 0);
  return [
    gauge("info", "The node and the version of its agent.", [[{ node, version }, 1]]),
    gauge("ready", "Whether everything was looked at since the start.", [[{}, yes(ready)]]),
    gauge("healthy", "Whether all components are healthy.", [[{}, yes(healthy)]]),
    gauge(
      "component_healthy",
      "Whether a component is healthy.",
      components.map((component) => [{ component: component.name }, yes(component.healthy)]),
    ),
    gauge("sandboxes", "Sandboxes of this node.", [[{}, sandboxes]]),
    gauge("endpoints", "Endpoints attached on this node.", [[{}, endpoints]]),
    gauge("backlog", "What waits to be looked at.", [[{}, backlog]]),
    ...timedVerbs.map((verb) =>
      histogram(
        `${verb}_seconds`,
        `How long each ${verb} took that succeeded, by stage.`,
        by("stage", figures.verbs.get(verb) ?? []),
      ),
    ),
    histogram("reconcile_lag_seconds", "From when a look was due until it had been taken.", [[{}, figures.lag]]),
    counter("repairs_total", "What was mended, by what it was.", by("object", repairs)),
    histogram("store_seconds", "How long etcd took to answer the agent.", by("operation", figures.store)),
    counter(
      "store_failures_total",
      "Calls of the agent that etcd did not answer.",
      by("operation", figures.storeFailures),
    ),
    gauge(
      "pool_addresses",
      "Addresses of a pool that are in use.",
      by(
        "pool",
        pools.map(({ cidr, used }) => [cidr, used]),
      ),
    ),
    gauge(
      "pool_size",
      "Addresses of a pool that services can have.",
      by(
        "pool",
        pools.map(({ cidr, size }) => [cidr, Number(size)]),
      ),
    ),
    counter("events_total", "What happened, by kind; see calicoctl events.", by("kind", events)),
    counter(
      "dropped_packets_total",
      "Packets that the firewall dropped, by cause.",
      by("cause", Object.entries(drops)),
    ),
    gauge("resident_bytes", "Memory of the agent.", [[{}, process.memoryUsage.rss()]]),
    counter("cpu_seconds_total", "Processor time of the agent.", [[{}, cpuSeconds()]]),
  ].join("");
}

const by = <T>(label: string, values: Iterable<readonly [string, T]>): [Record<string, string>, T][] =>
  [...values].map(([name, value]) => [{ [label]: name }, value]);

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
