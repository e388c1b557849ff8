/** The agent's figures in Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
import type { Drops } from "../drivers/driver.ts";
import type { EventKind } from "./events.ts";
import type { AgentReport } from "./report.ts";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export function metricsText(report: AgentReport, events: ReadonlyMap<EventKind, number>, drops: Drops): string {
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
    counter(
      "events_total",
      "What happened, by kind; see calicoctl events.",
      [...events].map(([kind, count]) => [{ kind }, count]),
    ),
    counter(
      "dropped_packets_total",
      "Packets that the firewall dropped, by cause.",
      Object.entries(drops).map(([cause, count]) => [{ cause }, count]),
    ),
    gauge("resident_bytes", "Memory of the agent.", [[{}, process.memoryUsage.rss()]]),
    counter("cpu_seconds_total", "Processor time of the agent.", [[{}, cpuSeconds()]]),
  ].join("");
}

const gauge = (name: string, help: string, samples: readonly Sample[]): string => family(name, "gauge", help, samples);
const counter = (name: string, help: string, samples: readonly Sample[]): string =>
  family(name, "counter", help, samples);

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const full = `calicoctl_node_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labelText(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replaceAll(/["\\\n]/g, escaped)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
