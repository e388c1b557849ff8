/** What tests of the node read from its journal. */
import type { Resident } from "../../helpers/resident.ts";

export interface Told {
  readonly seq: number;
  readonly kind: string;
  readonly object: string;
  readonly what: string;
  readonly why: string | null;
  readonly remedy: string | null;
}

/** The events of the node, oldest first. */
export const eventsOf = async (resident: Resident): Promise<Told[]> =>
  linesOf(await resident.must("events", "-o", "json"));

export const linesOf = (text: string): Told[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told);
