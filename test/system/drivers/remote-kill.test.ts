/** SIGKILL at every step of commands that talk to plugins: the same command again finishes what was begun. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Container, exec } from "../../helpers/container.ts";
import type { Host } from "../../helpers/host.ts";
import { killAt, stepsOf } from "../../helpers/kill.ts";
import { reaches, takeDown, type PluginHost, makePluginHost } from "../../helpers/plugin.ts";
import type { Resident } from "../../helpers/resident.ts";

let host: Host;
let calico: Resident;
let container: Container;
let close: PluginHost["close"];

beforeAll(async () => {
  ({ host, calico, container, close } = await makePluginHost("test-net"));
});

afterAll(() => close());

const create = "network create -d test-net --ipam-driver test-net --subnet 10.30.0.0/24 red";
const attach = "service attach --publish CONTAINER one.red";

interface Story {
  readonly given: readonly string[];
  readonly command: string;
  /** Whether the container is on the network at the end. */
  readonly attached: boolean;
}

test.each<Story>([
  { given: [], command: create, attached: false },
  { given: [create], command: attach, attached: true },
  { given: [create, attach], command: "service unpublish -f one.red", attached: false },
  { given: [create], command: "network rm red", attached: false },
])("$command", async ({ given, command, attached }) => {
  const words = (line: string): string[] => line.replace("CONTAINER", container.ref).split(" ");
  const prepare = async (): Promise<void> => {
    await takeDown(calico);
    for (const line of given) await calico.must(...words(line));
  };
  await prepare();
  for (const step of await stepsOf(host, words(command))) {
    await prepare();
    expect({ step, ...(await killAt(host, step, words(command))) }).toMatchObject({ step, signal: "SIGKILL" });
    expect({ step, ...(await calico.calicoctl(...words(command), "--ignore")) }).toMatchObject({ step, code: 0 });
    expect({ step, ...(await calico.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
    if (attached) expect(await reaches(container, "10.30.0.1")).toBe(true);
    else expect((await exec(container, ["ip", "-o", "link"])).stdout).not.toContain("eth0");
    await takeDown(calico);
    const { stdout } = await host.exec(["ip", "-o", "link", "show"]);
    expect({ step, left: stdout.split("\n").filter((line) => /: pl[bch]/.test(line)) }).toEqual({ step, left: [] });
  }
});
