import type { NodeEvent } from "../../agent/events.ts";
import type { Stream } from "../render/view.ts";
import { when } from "./common.ts";

/** An event of the node, one line each. */
export const eventStream: Stream<NodeEvent> = {
  line: ({ time, kind, object, what, why, remedy }) =>
    [
      `${when(time)}  ${kind.padEnd(13)} ${object} ${what}`,
      ...(why === undefined ? [] : [`(${why})`]),
      ...(remedy === undefined ? [] : [`to do: ${remedy}`]),
    ].join(" "),
  id: ({ seq }) => String(seq),
  document: ({ seq, time, kind, object, what, why, remedy }) => ({
    seq,
    time,
    kind,
    object,
    what,
    why: why ?? null,
    remedy: remedy ?? null,
  }),
};
