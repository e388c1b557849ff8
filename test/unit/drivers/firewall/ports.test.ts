import { describe, expect, test } from "@jest/globals";
import { portEntries, publishedAddress } from "../../../../src/drivers/calico/firewall/ports.ts";
import type { FirewallPort } from "../../../../src/drivers/calico/firewall/types.ts";

const BOTH = ["10.0.0.5", "fd00::5"];
const http = { proto: "tcp", hostPort: 8080, port: 80 } as const;

const words = (addresses: readonly string[], ...ports: FirewallPort[]): string[] =>
  portEntries({ addresses, ports })
    .map(({ set, element }) => [set.name, ...element.key, ...(element.value ? [":", ...element.value] : [])].join(" "))
    .toSorted();

describe("the elements of published ports", () => {
  test("by each family of the endpoint", () => {
    expect(words(BOTH, http)).toEqual([
      "hairpins4 10.0.0.5 10.0.0.5",
      "hairpins6 fd00::5 fd00::5",
      "ports4 tcp 8080 : 10.0.0.5 80",
      "ports6 tcp 8080 : fd00::5 80",
      "published4 10.0.0.5 tcp 80",
      "published6 fd00::5 tcp 80",
    ]);
  });

  test("an address of the host, or all of one family, is for that family alone", () => {
    expect(words(BOTH, { ...http, hostIp: "127.0.0.1" })).toEqual([
      "hairpins4 10.0.0.5 10.0.0.5",
      "host-ports4 127.0.0.1 tcp 8080 : 10.0.0.5 80",
      "published4 10.0.0.5 tcp 80",
    ]);
    expect(words(BOTH, { ...http, hostIp: "::" })).toContain("ports6 tcp 8080 : fd00::5 80");
    expect(words(["10.0.0.5"], { ...http, hostIp: "::" })).toEqual([]);
  });

  test("two ports of the host that lead to the same place let it in once", () => {
    const entries = words(["10.0.0.5"], http, { ...http, hostPort: 8081 });
    expect(entries.filter((entry) => entry.startsWith("published4"))).toHaveLength(1);
    expect(entries).toHaveLength(4);
  });

  test("none without ports, and each of them tells whose it is", () => {
    expect(words(BOTH)).toEqual([]);
    const ports = [http, { ...http, hostIp: "127.0.0.1", proto: "udp" as const }];
    expect(new Set(portEntries({ addresses: ["10.0.0.5"], ports }).map(publishedAddress))).toEqual(
      new Set(["10.0.0.5"]),
    );
  });
});
