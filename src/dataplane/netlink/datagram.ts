/** From requests to what is sent at once. */
import * as wire from "./message.ts";
import type { Request } from "./message.ts";

/** One send's worth of requests: less than a socket takes by default. */
export const SEND_BYTES = 64 << 10;

/** The message that asks one thing. */
export const question = ({ type, flags, body }: Request, sequence: number): Buffer =>
  wire.encodeMessage(type, flags | wire.NLM_F_REQUEST, sequence, body);

/** Only the last is acknowledged: the others are heard of when they fail, and silence is cheap. */
export function frame(requests: readonly Request[], first: number): Buffer {
  const last = lastAcknowledged(requests);
  return Buffer.concat(
    requests.map(({ type, flags, body }, index) => {
      const acknowledge = index === last ? wire.NLM_F_ACK : 0;
      return wire.encodeMessage(type, flags | wire.NLM_F_REQUEST | acknowledge, first + index, body);
    }),
  );
}

/** The index of the last request that is answered; -1 when none is. */
export const lastAcknowledged = (requests: readonly Request[]): number =>
  requests.findLastIndex((request) => request.unacknowledged !== true);

/** Cuts the requests into sends. */
export function batches(requests: readonly Request[]): Request[][] {
  const cut: Request[][] = [];
  let bytes = 0;
  for (const request of requests) {
    const size = wire.messageLength(request.body);
    const last = cut.at(-1);
    if (last !== undefined && bytes + size <= SEND_BYTES) last.push(request);
    else cut.push([request]);
    bytes = last === cut.at(-1) ? bytes + size : size;
  }
  return cut;
}
