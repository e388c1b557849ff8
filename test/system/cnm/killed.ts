/** The story of a command that is killed at every step, once to be run again and once to be mended by check. */
import { expect } from "@jest/globals";
import { killAt } from "../../helpers/kill.ts";
import { describeStories, expectFinished, type Scene, type Story } from "./story.ts";

export const killedAnywhere = (containerCount: number, stories: Readonly<Record<string, Story>>): void =>
  describeStories("a command that is killed leaves nothing half made", containerCount, stories, killEverywhere);

async function killEverywhere(scene: Scene, { inParts = false }: Story): Promise<void> {
  const { host, resident, command, steps, before, after, world, undo } = scene;
  for (const step of steps) {
    expect({ step, signal: (await killAt(host, step, command)).signal }).toEqual({ step, signal: "SIGKILL" });
    await expectFinished(scene, step, await world());
    await undo();
    expect({ step, world: await world() }).toEqual({ step, world: before });

    await killAt(host, step, command);
    expect({ step, ...(await resident.calicoctl("check", "--repair")) }).toMatchObject({ step, code: 0 });
    expect({ step, ...(await resident.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
    if (!inParts) expect([before, after]).toContain(await world());
    await undo();
  }
}
