import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ping } from "../../helpers/container.ts";
import { type Host, makeHost } from "../../helpers/host.ts";

let host: Host;

beforeAll(async () => {
  host = await makeHost();
});

afterAll(() => host.close());

/** As Docker leaves a host on which it switched forwarding on. */
const CLOSED = `table ip filter {
  chain DOCKER-USER { return; }
  chain FORWARD { type filter hook forward priority filter; policy drop; jump DOCKER-USER; }
}
`;

test("a host whose firewall drops what containers send is told of, with a remedy that works, and not touched", async () => {
  await host.exec(["nft", "-f", "-"], { stdin: CLOSED });
  const before = await host.exec(["nft", "list", "table", "ip", "filter"]);
  const [a, b] = [await host.container(), await host.container()];
  const first = await host.calicoctl(["service", "attach", "--publish", `netns:${a.namespace}`, "a.net1"]);
  await host.calicoctl(["service", "attach", "--publish", "--ignore", `netns:${b.namespace}`, "b.net1"]);
  expect(first.code).toBe(0);
  expect(first.stderr).toContain("the host's firewall (table ip filter) drops forwarded packets");

  const { stdout } = await host.calicoctl(["service", "info", "b.net1", "-o", "json"]);
  const address = (JSON.parse(stdout) as { items: { addresses: string[] }[] }).items[0]?.addresses[0] ?? "";
  expect(await ping(a, address)).toBe(false);
  const checked = await host.calicoctl(["check", "-o", "json"]);
  expect(checked.code).toBe(6);
  const [problem] = (JSON.parse(checked.stdout) as { items: { remedy: string }[] }).items;
  expect(await host.exec(["nft", "list", "table", "ip", "filter"])).toEqual(before);

  for (const command of problem?.remedy.split("; ") ?? []) await host.exec([...command.replaceAll('"', "").split(" ")]);
  expect(await ping(a, address)).toBe(true);
  expect((await host.calicoctl(["check"])).code).toBe(0);
});
