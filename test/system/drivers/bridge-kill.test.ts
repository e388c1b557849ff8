/** SIGKILL in the middle of what is a bridge's own in attach and detach. */
import { expect } from "@jest/globals";
import { killAt } from "../../helpers/kill.ts";
import { describeStories, expectFinished, type Scene } from "../cnm/story.ts";

const oneBridge = {
  given: ["network create -d bridge --subnet 10.1.0.0/24 --subnet fd00:1::/64 front", "service publish web.front"],
  end: ["service unpublish -f --ignore web.front", "network rm front"],
};

describeStories(
  "a bridge that is half made, or half gone",
  1,
  {
    "service attach, the first of its network": {
      ...oneBridge,
      command: "service attach c1 web.front",
      undo: ["service detach --ignore web.front"],
    },
    "service detach, the last of its network": {
      ...oneBridge,
      given: [...oneBridge.given, "service attach c1 web.front"],
      command: "service detach web.front",
      undo: ["service attach --ignore c1 web.front"],
    },
  },
  killedAtItsOwnSteps,
);

async function killedAtItsOwnSteps(scene: Scene): Promise<void> {
  const { host, resident, command, before, after, world, undo } = scene;
  const steps = scene.steps.filter((step) => step.startsWith("bridge:"));
  expect(steps.length).toBeGreaterThan(4);
  for (const [index, step] of steps.entries()) {
    expect({ step, signal: (await killAt(host, step, command)).signal }).toEqual({ step, signal: "SIGKILL" });
    await expectFinished(scene, step, await world());
    await undo();
    // What the same command finishes, check finishes, too: every other step shows it.
    if (index % 2 === 1) continue;

    await killAt(host, step, command);
    expect({ step, ...(await resident.calicoctl("check", "--repair")) }).toMatchObject({ step, code: 0 });
    expect({ step, ...(await resident.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
    expect([before, after]).toContain(await world());
    await undo();
  }
}
