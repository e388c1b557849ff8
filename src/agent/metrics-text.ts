/** Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
import type { Histogram } from "./histogram.ts";

export type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** A figure that goes up and down. A name is without the node's prefix. */
export const gauge = (name: string, help: string, samples: readonly Sample[]): string =>
  family(name, "gauge", help, lines(name, samples));

/** One that only grows, until the process ends. */
export const counter = (name: string, help: string, samples: readonly Sample[]): string =>
  family(name, "counter", help, lines(name, samples));

/** Seconds; one histogram for each set of labels. */
export const histogram = (name: string, help: string, all: Iterable<readonly [Labels, Histogram]>): string =>
  family(
    name,
    "histogram",
    help,
    [...all].flatMap(([labels, one]) => [
      ...lines(
        `${name}_bucket`,
        one.buckets().map(({ bound, count }) => [{ ...labels, le: numberText(bound) }, count]),
      ),
      ...lines(`${name}_sum`, [[labels, one.sum]]),
      ...lines(`${name}_count`, [[labels, one.count]]),
    ]),
  );

const PREFIX = "calicoctl_node_";

function family(name: string, type: string, help: string, samples: readonly string[]): string {
  // What is not known now is left out whole.
  if (samples.length === 0) return "";
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n${samples.join("")}`;
}

const lines = (name: string, samples: readonly Sample[]): string[] =>
  samples.map(([labels, value]) => `${PREFIX}${name}${labelText(labels)} ${numberText(value)}\n`);

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replaceAll(/["\\\n]/g, escaped)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);

const numberText = (value: number): string => (value === Infinity ? "+Inf" : String(value));
