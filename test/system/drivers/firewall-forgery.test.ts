/** Router advertisements from a container. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { routerAdvertisement, sendFrame } from "../../helpers/frames.ts";
import { must, until } from "../../helpers/process.ts";
import { RED, makeFirewallHost } from "./firewall-host.ts";
import type { FirewallHost } from "./firewall-host.ts";

let host: FirewallHost;
beforeEach(async () => {
  host = await makeFirewallHost();
});
afterEach(() => host.close());

test("a container cannot become the host's router, though another machine can", async () => {
  const container = await host.attach(RED);
  const name = container.endpoint.interface;
  for (const device of [name, "uplink"])
    await must(["busybox", "sysctl", "-q", "-w", `net.ipv6.conf.${device}.accept_ra=2`], { namespace: host.name });
  // The host's ends need a link-local address to listen, which a veth has once both its ends are up.
  await until("uplink is ready", async () =>
    (await ip("address", "show", "uplink", "scope", "link")).includes("fe80::"),
  );
  expect(await ip("route", "show", "default")).toBe("");

  const { packets } = (await host.firewall.counters()).spoofed;
  const { mac } = container.endpoint;
  await sendFrame(container.namespace, "eth0", routerAdvertisement(mac, "fe80::bad"));
  await sendFrame(container.namespace, "eth0", routerAdvertisement(mac, container.address6));
  await sendFrame(host.world.namespace, "uplink", routerAdvertisement("02:00:00:00:02:00", "fe80::900d"));
  await until("the world's advertisement is heard", async () => (await ip("route", "show", "default")) !== "");

  expect(await ip("route", "show", "default")).toMatch(/^default via fe80::900d dev uplink [^\n]*$/);
  // What comes from a link-local address is no forgery of anybody's, so it is dropped but not counted.
  expect((await host.firewall.counters()).spoofed.packets).toBe(packets);
});

const ip = (...command: string[]): Promise<string> => must(["ip", "-n", host.name, "-6", ...command]);
