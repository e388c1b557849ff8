/** SIGTERM and SIGINT at every step: the command ends soon, says so, and the same command again does the rest. */
import { expect } from "@jest/globals";
import { pauseAt } from "../../helpers/kill.ts";
import type { Ended } from "../../helpers/process.ts";
import { describeStories, expectFinished, twoNetworks, type Scene } from "./story.ts";

const signals = [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const;

/** The signal has come before the process goes on from the step. */
async function signalEverywhere(scene: Scene): Promise<void> {
  const { host, command, steps, before, after, world, undo } = scene;
  for (const [index, step] of steps.entries()) {
    const [signal, expected] = signals[index % 2] ?? signals[0];
    const running = await pauseAt(host, step, command);
    running.kill(signal);
    running.kill("SIGCONT");
    const told = { step, signal, ...(await running.ended) };
    const left = await world();
    // What is left of the command may be done sooner than a signal is heard of.
    if (told.code === 0) expect({ ...told, world: left }).toEqual({ ...told, world: after });
    else expectInterrupted(told, expected);
    await expectFinished(scene, step, left);
    await undo();
    expect({ step, world: await world() }).toEqual({ step, world: before });
  }
  await signalWhileFrozen(scene);
}

/** Nothing can be done before the signal is heard; what was sent may be done afterwards. */
async function signalWhileFrozen(scene: Scene): Promise<void> {
  const { host, command, steps, after, undo } = scene;
  const [step = ""] = steps;
  for (const [signal, expected] of signals) {
    const running = await pauseAt(host, step, command);
    host.etcd.pause();
    running.kill(signal);
    running.kill("SIGCONT");
    const told = { step, signal, ...(await running.ended) };
    host.etcd.resume();
    expectInterrupted(told, expected);
    await expectFinished(scene, step, after);
    await undo();
  }
}

function expectInterrupted(told: Ended, code: number): void {
  expect(told).toMatchObject({
    code,
    stdout: "",
    stderr: expect.stringMatching(/calicoctl: interrupted\nhint: [^\n]+$/),
  });
}

const NETWORK = "network create --subnet 10.1.0.0/24 --subnet fd00:1::/64 net";

describeStories(
  "a command that is told to stop",
  1,
  {
    "network create": { given: [], command: NETWORK, undo: ["network rm --ignore net"], end: [] },
    "network rm": {
      given: [NETWORK],
      command: "network rm net",
      undo: [`${NETWORK} --ignore`],
      end: ["network rm net"],
    },
    "service publish": {
      given: [NETWORK],
      command: "service publish web.net",
      // A network that is made anew gives the same address again.
      undo: ["service unpublish --ignore web.net", "network rm net", NETWORK],
      end: ["network rm net"],
    },
    "service attach": {
      ...twoNetworks,
      given: [...twoNetworks.given, "service attach c1 db.back"],
      command: "service attach --priority 1 c1 web.front",
      undo: ["service detach --ignore web.front"],
    },
    "service detach": {
      ...twoNetworks,
      given: [...twoNetworks.given, "service attach c1 web.front"],
      command: "service detach c1 web.front",
      undo: ["service attach --ignore c1 web.front"],
    },
    "service unpublish --force": {
      ...twoNetworks,
      given: [...twoNetworks.given, "service attach c1 web.front"],
      command: "service unpublish --force web.front",
      undo: [
        "service unpublish --force --ignore web.front",
        "network rm front",
        ...twoNetworks.given.filter((line) => line.endsWith("front")),
        "service attach c1 web.front",
      ],
    },
  },
  signalEverywhere,
);
