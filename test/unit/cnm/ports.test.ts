import { describe, expect, test } from "@jest/globals";
import { checkPorts, overlap, parsePort, portText } from "../../../src/cnm/ports.ts";
import type { PortRecord } from "../../../src/store/records.ts";

const usage = expect.objectContaining({ code: "usage" });

describe("a published port as it is written", () => {
  test.each<[string, PortRecord]>([
    ["8080:80", { proto: "tcp", hostPort: 8080, port: 80 }],
    ["53:5353/udp", { proto: "udp", hostPort: 53, port: 5353 }],
    ["1:65535/sctp", { proto: "sctp", hostPort: 1, port: 65_535 }],
    ["127.0.0.1:8080:80", { proto: "tcp", hostIp: "127.0.0.1", hostPort: 8080, port: 80 }],
    ["0.0.0.0:8080:80/tcp", { proto: "tcp", hostIp: "0.0.0.0", hostPort: 8080, port: 80 }],
    ["[2001:db8::1]:8080:80", { proto: "tcp", hostIp: "2001:db8::1", hostPort: 8080, port: 80 }],
    ["[::]:53:53/udp", { proto: "udp", hostIp: "::", hostPort: 53, port: 53 }],
  ])("%s", (text, port) => {
    expect(parsePort(text)).toEqual(port);
    expect(checkPorts([parsePort(text)])).toEqual([port]);
    expect(parsePort(portText(port))).toEqual(port);
  });

  test.each([
    ...["", "80", ":80", "80:", ":8080:80", "8080:80/icmp", "8080:80/TCP", "8080:80/", "8000-8010:80", "a:b", "-1:80"],
    ...["1.2.3:80:80", "host:80:80", "2001:db8::1:80:80", "[10.0.0.1]:80:80", "[]:80:80", "[fe80::1%eth0]:80:80"],
    ...["8080:80 ", "8080:80; flush ruleset", "080000:80"],
  ])("not %j", (text) => {
    expect(() => parsePort(text)).toThrow(usage);
  });
});

describe("the ports of one endpoint", () => {
  test.each(["0:80", "8080:0", "65536:80", "8080:99999", "[::1]:80:80", "[fe80::1]:80:80"])("%s is none", (text) => {
    expect(() => checkPorts([parsePort(text)])).toThrow(usage);
  });

  test("addresses are kept in canonical form", () => {
    expect(checkPorts([parsePort("[2001:DB8:0::1]:80:80")])).toMatchObject([{ hostIp: "2001:db8::1" }]);
  });

  test("the same port of the host cannot lead to two places", () => {
    expect(() => checkPorts(["8080:80", "127.0.0.1:8080:81"].map(parsePort))).toThrow(usage);
    expect(() => checkPorts(["8080:80", "8080:80"].map(parsePort))).toThrow(usage);
    const apart = ["8080:80", "8081:80", "8080:80/udp", "127.0.0.1:8082:80", "127.0.0.2:8082:80", "[::]:8082:80"];
    expect(checkPorts(apart.map(parsePort))).toHaveLength(apart.length);
  });

  test("there are at most a hundred", () => {
    const ports = Array.from({ length: 101 }, (_, index) => parsePort(`${1000 + index}:80`));
    expect(checkPorts(ports.slice(1))).toHaveLength(100);
    expect(() => checkPorts(ports)).toThrow(usage);
  });
});

test.each<[string, string, (4 | 6)[], boolean]>([
  ["8080:80", "8080:81", [4], true],
  ["8080:80", "8081:80", [4, 6], false],
  ["8080:80", "8080:80/udp", [4, 6], false],
  ["8080:80", "127.0.0.1:8080:80", [4], true],
  ["8080:80", "127.0.0.1:8080:80", [6], false],
  ["0.0.0.0:8080:80", "[::]:8080:80", [4, 6], false],
  ["0.0.0.0:8080:80", "10.0.0.1:8080:80", [4, 6], true],
  ["10.0.0.1:8080:80", "10.0.0.2:8080:80", [4, 6], false],
  ["8080:80", "8080:80", [], false],
])("%s and %s of endpoints with IPv%j are in each other's way: %s", (a, b, families, isSo) => {
  expect(overlap(parsePort(a), parsePort(b), families)).toBe(isSo);
  expect(overlap(parsePort(b), parsePort(a), families)).toBe(isSo);
});
