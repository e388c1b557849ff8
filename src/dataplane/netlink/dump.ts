/** The answer to a dump, which comes in many datagrams. */
import { failureOf } from "./error.ts";
import * as wire from "./message.ts";
import type { Message, Request } from "./message.ts";

export const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** What one datagram has of it. */
export interface DumpPart {
  /** They hold until the next datagram is read. */
  readonly payloads: readonly Buffer[];
  /** Whether what is listed changed meanwhile. */
  readonly isDisturbed: boolean;
  readonly isLast: boolean;
}

/** That a part of the answer was lost. */
export const LOST: DumpPart = { payloads: [], isDisturbed: true, isLast: false };

/** Throws the NetlinkError that the kernel answers with, unless the request tolerates it. */
export function dumpPart(request: Request, sequence: number, messages: readonly Message[]): DumpPart {
  const payloads: Buffer[] = [];
  let isDisturbed = false;
  for (const message of messages) {
    if (message.sequence !== sequence) continue;
    if ((message.flags & wire.NLM_F_DUMP_INTR) !== 0) isDisturbed = true;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      const refused = failureOf(request, message);
      if (refused) throw refused;
      return { payloads, isDisturbed, isLast: true };
    }
    payloads.push(message.payload);
  }
  return { payloads, isDisturbed, isLast: false };
}
