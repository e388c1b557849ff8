import type { Family } from "../../base/address.ts";
import type { EndpointPlan } from "../driver.ts";
import type { Fact, Surroundings } from "./facts.ts";
import type { View } from "./view.ts";

/** In what the drivers that give each endpoint a veth pair differ. */
export interface Wiring {
  /** The driver's name, with which the names of its failpoints begin. */
  readonly driver: string;
  /** Of the policy rules in a sandbox; each driver has its own. */
  readonly rulePriority: number;
  /** What should be true on the host of its end of the pair, which has the index. */
  hostFacts(plan: EndpointPlan, index: number): Fact[];
  /** What should be true in the sandbox of the other end. */
  sandboxFacts(plan: EndpointPlan, index: number, surroundings: Surroundings): Fact[];
  /** What a runtime that moves interfaces by itself is told to route by. */
  nextHop?(family: Family): string;
  /** The index of the bridge that the host's end is a port of; undefined while there is none. */
  master?(host: Pick<View, "link">, plan: EndpointPlan): number | undefined;
}
