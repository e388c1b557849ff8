import { constants } from "node:os";
import { UserError } from "../../base/errors.ts";
import { describeErrno, errnoName } from "../libc.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, align, parseAttributes, textOf } from "./message.ts";
import type { Message, Request } from "./message.ts";

const NLMSG_ERROR = 2;
const NLMSGERR_ATTR_MSG = 1;
const HEADER_LENGTH = 16;
const ERRNO_LENGTH = 4;

/** The kernel refused a request. */
export class NetlinkError extends UserError {
  /** The request's own words: `add route 10.0.0.5/32 to calia1b2`. */
  readonly what: string;
  readonly errno: number;
  /** The symbol of `errno`, such as "EEXIST". */
  readonly errnoName: string;
  /** The kernel's own explanation, where it gave one. */
  readonly explanation: string | undefined;

  constructor(what: string, errno: number, explanation?: string) {
    const why = explanation === undefined ? describeErrno(errno) : `${explanation} (${errnoName(errno)})`;
    const hint = errno === constants.errno.EPERM ? "run it as root" : undefined;
    super("failure", `cannot ${what}: ${why}`, hint === undefined ? {} : { hint });
    this.name = "NetlinkError";
    this.what = what;
    this.errno = errno;
    this.errnoName = errnoName(errno);
    this.explanation = explanation;
  }
}

/** What an acknowledgement (or the end of a dump) says of its request; undefined when it was done or is tolerated. */
export function failureOf(request: Request, reply: Message): NetlinkError | undefined {
  const errno = reply.payload.length < ERRNO_LENGTH ? 0 : -reply.payload.readInt32LE(0);
  if (errno === 0 || request.tolerate?.includes(errno) === true) return undefined;
  return new NetlinkError(request.what, errno, explanationIn(reply));
}

/** In an error the request comes back before the attributes, whole or, when capped, only its header. */
function explanationIn({ type, flags, payload }: Message): string | undefined {
  if ((flags & NLM_F_ACK_TLVS) === 0) return undefined;
  let offset = ERRNO_LENGTH;
  if (type === NLMSG_ERROR)
    offset += (flags & NLM_F_CAPPED) === 0 ? align(payload.readUInt32LE(ERRNO_LENGTH)) : HEADER_LENGTH;
  const text = parseAttributes(payload, offset).get(NLMSGERR_ATTR_MSG);
  return text === undefined ? undefined : textOf(text);
}
