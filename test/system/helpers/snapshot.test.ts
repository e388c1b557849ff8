import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { must, until } from "../../helpers/process.ts";
import { snapshot } from "../../helpers/snapshot.ts";

let host: string;
beforeEach(async () => {
  host = `cnmt-${randomBytes(4).toString("hex")}`;
  await must(["ip", "netns", "add", host]);
});
afterEach(async () => void (await must(["ip", "netns", "delete", host])));

const ip = (...words: string[]): Promise<string> => must(["ip", "-n", host, ...words]);

test("what ticks is left out, as the timers of a bridge and the lifetime of an address", async () => {
  await ip("link", "add", "docker0", "type", "bridge");
  // Without an address that the kernel makes in its own time, and a route to it a while later.
  await ip("link", "set", "docker0", "addrgenmode", "none");
  await ip("link", "set", "docker0", "up");
  await ip("address", "add", "198.18.0.1/24", "dev", "docker0", "valid_lft", "1000", "preferred_lft", "1000");
  const shown = async (): Promise<string[]> => [await ip("-d", "link"), await ip("address")];
  const [link, address] = await shown();
  const before = await snapshot(host);
  await until("time to show", async () => {
    const [laterLink, laterAddress] = await shown();
    return laterLink !== link && laterAddress !== address;
  });
  expect(await snapshot(host)).toBe(before);
});

test("what is configured is not", async () => {
  await ip("link", "add", "docker0", "type", "bridge");
  const before = await snapshot(host);
  await ip("link", "set", "docker0", "type", "bridge", "forward_delay", "400");
  expect(await snapshot(host)).not.toBe(before);
});
