/** The story of a command that is killed at every step, once to be run again and once to be mended by check. */
import { expect } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import type { Host } from "../../helpers/host.ts";
import { killAt, stepsOf } from "../../helpers/kill.ts";
import type { Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";

export interface Place {
  readonly host: Host;
  readonly resident: Resident;
  readonly containers: readonly Container[];
}

/** Command lines, each in one string; container names are written as `c1`, `c2`. */
export interface Story {
  /** What makes the world in which the command is run. */
  readonly given: readonly string[];
  readonly command: string;
  /** Leads back to that world, from wherever the command was killed. */
  readonly undo: readonly string[];
  /** What takes down `given`; the host is then as it was. */
  readonly end: readonly string[];
  /** The command makes several objects, so that a killed one may leave some of them, each whole. */
  readonly inParts?: boolean;
}

/** Answers the steps at which it was killed. */
export async function killEverywhere(place: Place, story: Story): Promise<string[]> {
  const { host, resident, containers } = place;
  const world = (): Promise<string> => worldOf(host, containers);
  const words = (line: string): string[] =>
    line.split(" ").map((word) => (/^c\d$/.test(word) ? (containers[Number(word[1]) - 1]?.ref ?? word) : word));
  const all = async (lines: readonly string[]): Promise<void> => {
    for (const line of lines) await resident.must(...words(line));
  };
  const command = words(story.command);
  const untouched = await host.snapshot();

  await all(story.given);
  const before = await world();
  const steps = await stepsOf(host, command);
  const after = await world();
  await all(story.undo);
  expect(await world()).toBe(before);

  for (const step of steps) {
    expect({ step, signal: (await killAt(host, step, command)).signal }).toEqual({ step, signal: "SIGKILL" });
    const killed = await world();
    const again = await resident.calicoctl(...command);
    if (again.code !== 0) {
      // All was done, and the second run may say so.
      expect([3, 4]).toContain(again.code);
      expect({ step, world: killed }).toEqual({ step, world: after });
      expect({ step, ...(await resident.calicoctl(...command, "--ignore")) }).toMatchObject({ step, code: 0 });
    }
    expect({ step, world: await world() }).toEqual({ step, world: after });
    expect({ step, ...(await resident.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
    await all(story.undo);
    expect({ step, world: await world() }).toEqual({ step, world: before });

    await killAt(host, step, command);
    expect({ step, ...(await resident.calicoctl("check", "--repair")) }).toMatchObject({ step, code: 0 });
    expect({ step, ...(await resident.calicoctl("check")) }).toMatchObject({ step, code: 0, stdout: "" });
    if (!story.inParts) expect([before, after]).toContain(await world());
    await all(story.undo);
  }
  expect(await world()).toBe(before);
  await all(story.end);
  expect(await host.snapshot()).toBe(untouched);
  return steps;
}
