import { expect, test } from "@jest/globals";
import { objectClass } from "../../../src/agent/object-class.ts";

test.each([
  ["firewall table inet calico_cnm", "firewall"],
  ["firewall of interface cali0123456789a", "firewall"],
  ["the firewall", "firewall"],
  ["the forwarding", "forwarding"],
  ["IPv6 forwarding", "forwarding"],
  ["interface cali0123456789a of service web", "interface"],
  ["cali0123456789a", "interface"],
  ["eth0 in the sandbox of web", "interface"],
  ["address 10.0.0.1/32 on eth0 (service web)", "address"],
  ["route default via 169.254.1.1 on eth0 (service web)", "route"],
  ["rule from 10.0.0.1 to 100 at 1000", "rule"],
  ["neighbour 169.254.1.1 at 02:00:00:00:00:01 on eth0", "neighbour"],
  ["the state directory /run/calico", "state directory"],
  ["service forwarding.firewall", "service"],
])("%s is counted as %s", (object, name) => {
  expect(objectClass(object)).toBe(name);
});
