import { describe, expect, test } from "@jest/globals";
import { networkOf, networkStructure, structures } from "../../../../src/drivers/calico/firewall/ruleset.ts";
import { buildScript } from "../../../../src/drivers/firewall/script.ts";

describe("the ruleset", () => {
  test("touches no tables but its own", () => {
    const script =
      structures.map(buildScript).join("") + buildScript(networkStructure({ key: "0123456789a", internal: true }));
    const lines = script.trim().split("\n");
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.filter((line) => !/^\w+ \w+ (inet|arp) calico_cnm( |$)/.test(line))).toEqual([]);
  });

  test("what belongs to a network is told by its name", () => {
    const network = { key: "0123456789a", internal: true };
    const { chains, sets } = networkStructure(network);
    const names = [...Object.keys(chains), ...Object.keys(sets)];
    expect(names.map((name) => networkOf(name)?.key)).toEqual(names.map(() => network.key));
    expect(networkOf("internal-0123456789a")).toEqual(network);
    expect(
      structures.flatMap(({ chains, sets }) => [...Object.keys(chains), ...Object.keys(sets)]).map(networkOf),
    ).toEqual(
      structures.flatMap(({ chains, sets }) => [...Object.keys(chains), ...Object.keys(sets)]).map(() => undefined),
    );
  });

  test.each(["", "0123456789", "0123456789ab", "0123456789A", "a; flush rul"])(
    "refuses %j as a network's key",
    (key) => {
      expect(() => networkStructure({ key, internal: false })).toThrow(/not a network's key/);
    },
  );
});
