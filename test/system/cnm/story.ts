/** A command in a world that is made for it, to be interrupted at each of its steps. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { stepsOf } from "../../helpers/kill.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";

/** Command lines, each in one string; container names are written as `c1`, `c2`. */
export interface Story {
  /** What makes the world in which the command is run. */
  readonly given: readonly string[];
  readonly command: string;
  /** Leads back to that world, from wherever the command was interrupted. */
  readonly undo: readonly string[];
  /** What takes down `given`; the host is then as it was. */
  readonly end: readonly string[];
  /** The command makes several objects, so that an interrupted one may leave some of them, each whole. */
  readonly inParts?: boolean;
}

type Given = Pick<Story, "given" | "end">;

/** A service on each of two networks. */
export const twoNetworks: Given = {
  given: [
    "network create --subnet 10.1.0.0/24 --subnet fd00:1::/64 front",
    "network create --subnet 10.2.0.0/24 --subnet fd00:2::/64 back",
    "service publish --port 8080:80 --port 127.0.0.1:5353:53/udp web.front",
    "service publish db.back",
  ],
  end: ["service unpublish -f --ignore web.front db.back", "network rm front back"],
};

/** Container c2 is on two networks that share their pools, so that it holds a route to each member of one. */
export const everyMember: Given = {
  given: [
    "network create red",
    "network create blue",
    "service publish --ip 192.168.0.9 a.red",
    "service publish --ip 192.168.0.10 b.red",
    "service publish --ip 192.168.0.11 b.blue",
    "service attach --priority 1 c2 b.blue",
    "service attach c2 b.red",
  ],
  end: ["service unpublish -f a.red b.red b.blue", "network rm red blue", "pool rm 192.168.0.0/16"],
};

/** The world of a story, while its command is interrupted again and again. */
export interface Scene {
  readonly host: Host;
  readonly resident: Resident;
  readonly command: readonly string[];
  /** The steps of the command, in order. */
  readonly steps: readonly string[];
  /** The world that the story begins in, and the one that its command leads to. */
  readonly before: string;
  readonly after: string;
  world(): Promise<string>;
  undo(): Promise<void>;
}

/** Declares one test a story, each on a host of its own with that many containers. `play` ends with an undo. */
export function describeStories(
  title: string,
  containerCount: number,
  stories: Readonly<Record<string, Story>>,
  play: (scene: Scene, story: Story) => Promise<void>,
): void {
  describe(title, () => {
    let host: Host;
    let resident: Resident;
    let containers: Container[];
    beforeEach(async () => {
      host = await makeHost();
      containers = [];
      while (containers.length < containerCount) containers.push(await host.container());
      resident = startResident(host);
    });
    afterEach(async () => {
      await resident?.close();
      await host?.close();
    });

    const words = (line: string): string[] =>
      line.split(" ").map((word) => (/^c\d$/.test(word) ? (containers[Number(word[1]) - 1]?.ref ?? word) : word));
    const all = async (lines: readonly string[]): Promise<void> => {
      for (const line of lines) await resident.must(...words(line));
    };

    test.each(Object.entries(stories))(
      "%s",
      async (_, story) => {
        const world = (): Promise<string> => worldOf(host, containers);
        const undo = (): Promise<void> => all(story.undo);
        const command = words(story.command);
        const untouched = await host.snapshot();

        await all(story.given);
        const before = await world();
        const steps = await stepsOf(host, command);
        expect(steps).toEqual(expect.arrayContaining(["store:planned", "store:answered"]));
        const after = await world();
        await undo();
        expect(await world()).toBe(before);

        await play({ host, resident, command, steps, before, after, world, undo }, story);

        expect(await world()).toBe(before);
        await all(story.end);
        expect(await host.snapshot()).toBe(untouched);
      },
      180_000,
    );
  });
}

/**
 * The command again, after it was interrupted and left the world as `left`: it does what is missing, or says that all
 * was done; and nothing is wrong.
 */
export async function expectFinished(
  { resident, command, world, after }: Scene,
  step: string,
  left: string,
): Promise<void> {
  const again = await resident.calicoctl(...command);
  if (again.code !== 0) {
    expect([3, 4]).toContain(again.code);
    expect({ step, world: left }).toEqual({ step, world: after });
    expect({ step, ...(await resident.calicoctl(...command, "--ignore")) }).toMatchObject({ step, code: 0 });
  }
  expect({ step, world: await world() }).toEqual({ step, world: after });
  expect({ step, ...(await resident.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
}
