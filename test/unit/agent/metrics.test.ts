import { beforeEach, describe, expect, test } from "@jest/globals";
import { Figures } from "../../../src/agent/figures.ts";
import { type Measured, metricsText } from "../../../src/agent/metrics.ts";
import { type Family, parseExposition } from "../../helpers/exposition.ts";

const nasty = 'a "quoted" back\\slash\nand a line';

let figures: Figures;
let measured: Measured;
beforeEach(() => {
  figures = new Figures();
  measured = {
    report: {
      node: nasty,
      id: "1".repeat(64),
      version: "1.2.3",
      pid: 1,
      startedAt: "2026-01-02T03:04:05.678Z",
      readyAt: "2026-01-02T03:04:06.678Z",
      ready: true,
      healthy: false,
      libnetwork: false,
      components: [
        { name: "agent", healthy: true, what: "" },
        { name: "store", healthy: false, what: "" },
      ],
      sandboxes: 2,
      endpoints: 3,
      backlog: 4,
      repaired: 0,
      lastTrouble: undefined,
    },
    events: new Map([["repaired", 7]]),
    repairs: new Map([
      ["route", 5],
      ["firewall", 2],
    ]),
    drops: { spoofed: 9 },
    pools: [],
    figures,
  };
});

const families = (): Map<string, Family> => parseExposition(metricsText(measured));
const figure = (name: string): number | undefined =>
  families()
    .get(`calicoctl_node_${name.replace(/(_bucket|_sum|_count)?(\{.*|$)/, "")}`)
    ?.samples.get(`calicoctl_node_${name}`);

test("all of it is of the format, also before anything has happened", () => {
  measured = { ...measured, events: new Map(), repairs: new Map(), drops: {} };
  expect([...families().keys()]).toEqual(
    expect.arrayContaining(["calicoctl_node_info", "calicoctl_node_attach_seconds"]),
  );
  expect(metricsText(measured)).not.toMatch(/undefined|NaN|\[object/);
});

test("what a label says is written so that it can be read", () => {
  expect([...(families().get("calicoctl_node_info")?.samples.keys() ?? [])]).toEqual([
    String.raw`calicoctl_node_info{node="a \"quoted\" back\\slash\nand a line",version="1.2.3"}`,
  ]);
});

test("what is known of the node", () => {
  expect(figure("ready")).toBe(1);
  expect(figure("healthy")).toBe(0);
  expect(figure('component_healthy{component="store"}')).toBe(0);
  expect([figure("sandboxes"), figure("endpoints"), figure("backlog")]).toEqual([2, 3, 4]);
  expect(figure('events_total{kind="repaired"}')).toBe(7);
  expect(figure('repairs_total{object="route"}')).toBe(5);
  expect(figure('dropped_packets_total{cause="spoofed"}')).toBe(9);
});

describe("histograms", () => {
  test("each stage of each verb has one, from the start", () => {
    expect(figure('attach_seconds_count{stage="neighbours"}')).toBe(0);
    expect(figure('detach_seconds_bucket{stage="total",le="+Inf"}')).toBe(0);
    expect(families().get("calicoctl_node_attach_seconds")?.type).toBe("histogram");
  });

  test("a value is in the first bucket whose bound it does not pass, and in all above", () => {
    for (const total of [0.004, 0.005, 0.0051, 1000]) figures.timed({ verb: "attach", seconds: { total, kernel: 0 } });
    const upTo = (le: string): number | undefined => figure(`attach_seconds_bucket{stage="total",le="${le}"}`);
    expect([upTo("0.0025"), upTo("0.005"), upTo("0.01"), upTo("60"), upTo("+Inf")]).toEqual([0, 2, 3, 3, 4]);
    expect(figure('attach_seconds_sum{stage="total"}')).toBeCloseTo(1000.0141);
    expect(figure('attach_seconds_count{stage="total"}')).toBe(4);
    expect(figure('attach_seconds_bucket{stage="kernel",le="0.0005"}')).toBe(4);
    expect(figure('attach_seconds_count{stage="publish"}')).toBe(0);
    expect(figure('detach_seconds_count{stage="total"}')).toBe(0);
  });

  test("of the store and of the lag", () => {
    figures.storeCalled("read", 0.002, false);
    figures.storeCalled("commit", 3, true);
    figures.lag.observe(0.2);
    expect(figure('store_seconds_bucket{operation="read",le="0.0025"}')).toBe(1);
    expect(figure('store_seconds_count{operation="commit"}')).toBe(1);
    expect(figure('store_failures_total{operation="read"}')).toBe(0);
    expect(figure('store_failures_total{operation="commit"}')).toBe(1);
    expect(figure("reconcile_lag_seconds_sum")).toBe(0.2);
  });
});

test("pools are told with their size, however large, and not at all while they are not known", () => {
  expect(metricsText(measured)).not.toContain("pool");
  const pool = { v: 1, natOutgoing: true, disabled: false, createdAt: "", blocks: 1 } as const;
  measured = {
    ...measured,
    pools: [
      { ...pool, cidr: "10.1.0.0/16", family: 4, used: 12, size: "65534" },
      { ...pool, cidr: "fd00::/48", family: 6, used: 1, size: String(2n ** 80n) },
    ],
  };
  expect(figure('pool_addresses{pool="10.1.0.0/16"}')).toBe(12);
  expect(figure('pool_size{pool="10.1.0.0/16"}')).toBe(65534);
  expect(figure('pool_size{pool="fd00::/48"}')).toBe(2 ** 80);
});

describe("what another process tells", () => {
  const count = (): number | undefined => figure('attach_seconds_count{stage="total"}');

  test("is counted", () => {
    expect(figures.told('{"verb":"attach","seconds":{"total":0.01,"lock":0}}')).toBe(true);
    expect(count()).toBe(1);
  });

  test.each([
    "",
    "attach",
    "null",
    "[]",
    "{}",
    '{"verb":"attach"}',
    '{"verb":"publish","seconds":{"total":1}}',
    '{"verb":"attach","seconds":{"total":"1"}}',
    '{"verb":"attach","seconds":{"total":-1}}',
    '{"verb":"attach","seconds":{"total":1e300}}',
    '{"verb":"attach","seconds":{"total":null}}',
    '{"verb":"attach","seconds":{"total":1,"other":1}}',
    '{"verb":"attach","seconds":{"total":1,"constructor":1}}',
    '{"verb":"attach","seconds":{"total":1},"more":1}',
    '{"verb":"__proto__","seconds":{"total":1}}',
  ])("is left out whole when it is %s", (text) => {
    expect(figures.told(text)).toBe(false);
    expect(count()).toBe(0);
  });
});
