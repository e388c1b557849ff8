import { expect, test } from "@jest/globals";
import { isLikeNamed, isNamed } from "../../../../src/drivers/bridge/constants.ts";
import { structures } from "../../../../src/drivers/bridge/firewall/ruleset.ts";
import { isNamedAsOurs } from "../../../../src/drivers/interface-names.ts";
import { buildScript } from "../../../../src/drivers/firewall/script.ts";

test("the ruleset touches no tables but its own", () => {
  const lines = structures.map(buildScript).join("").trim().split("\n");
  expect(lines.length).toBeGreaterThan(40);
  expect(lines.filter((line) => !/^\w+ \w+ (inet|bridge) calico_cnm_bridge( |$)/.test(line))).toEqual([]);
});

test.each(["cbr-0123456789a", "cbe-0123456789a"])("%s is named as ours, and not as the other driver's", (name) => {
  expect([isNamed(name), isLikeNamed(name), isNamedAsOurs(name), name.startsWith("cali")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(name.length).toBeLessThan(16);
});

test.each(["cbr-0123456789", "cbx-0123456789a", "br-0123456789ab", "docker0"])("%s is no interface of ours", (name) => {
  expect(isNamed(name)).toBe(false);
});
