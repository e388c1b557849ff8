/** A strict reader of Prometheus' text format, version 0.0.4: what it does not know, it refuses. */

export interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as they are written. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABELS = String.raw`\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*")*\}`;
const HELP = new RegExp(String.raw`^# HELP (${NAME}) ((?:[^\\]|\\\\|\\n)+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(String.raw`^((${NAME})(${LABELS})?) ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$`);

/** The families by name. Throws at the first line, family or histogram that is not well-formed. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let help: RegExpExecArray | null = null;
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const type = TYPE.exec(line);
    const sample = SAMPLE.exec(line);
    if (type) {
      current = type[1] ?? "";
      if (help?.[1] !== current || families.has(current)) throw new Error(`out of order, or twice: ${line}`);
      families.set(current, { type: type[2] ?? "", help: help[2] ?? "", samples: new Map() });
    } else if (sample) {
      const family = families.get(current);
      const [, key = "", name = "", , value = ""] = sample;
      const suffixes = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      if (!family || !suffixes.some((suffix) => name === current + suffix)) throw new Error(`of no family: ${line}`);
      if (family.samples.has(key)) throw new Error(`twice: ${line}`);
      family.samples.set(key, Number(value.replace("Inf", "Infinity")));
    } else if (!(help = HELP.exec(line))) throw new Error(`not of the format: ${JSON.stringify(line)}`);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function checkFamily(name: string, { type, samples }: Family): void {
  if (samples.size === 0) throw new Error(`${name} has no sample`);
  if (type !== "gauge" && [...samples.values()].some((value) => !(value >= 0)))
    throw new Error(`${name} is below zero`);
  if (type === "histogram") for (const labels of labelsOf(samples)) checkHistogram(name, labels, samples);
}

/** The sets of labels that a histogram is told for, without `le`. */
const labelsOf = (samples: ReadonlyMap<string, number>): Set<string> =>
  new Set([...samples.keys()].map((key) => /\{(.*)\}$/.exec(key)?.[1]?.replace(/,?le="[^"]*"/, "") ?? ""));

function checkHistogram(name: string, labels: string, samples: ReadonlyMap<string, number>): void {
  const own = labels === "" ? "" : `{${labels}}`;
  const start = `${name}_bucket{${labels === "" ? "" : `${labels},`}le="`;
  const buckets = [...samples]
    .filter(([key]) => key.startsWith(start))
    .map(([key, count]) => ({ bound: Number(key.slice(start.length, -2).replace("Inf", "Infinity")), count }));
  const [count, sum] = [samples.get(`${name}_count${own}`), samples.get(`${name}_sum${own}`)];
  if (count === undefined || sum === undefined) throw new Error(`${name}${own} has no sum or count`);
  for (const [index, { bound, count: below }] of buckets.entries()) {
    const before = buckets[index - 1] ?? { bound: -Infinity, count: 0 };
    if (!(bound > before.bound) || below < before.count)
      throw new Error(`${name}${own}: buckets do not rise at ${bound}`);
  }
  const last = buckets.at(-1);
  if (last?.bound !== Infinity || last.count !== count)
    throw new Error(`${name}${own}: the last bucket is not the count`);
}
