/** The numbers by which one network namespace knows others, of which the kernel makes use in its notifications. */
import { constants } from "node:os";
import { attr, parseAttributes } from "./message.ts";
import type { Message, Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWNSID = 88;
const RTM_DELNSID = 89;
const RTM_GETNSID = 90;
/** RTNLGRP_NSID. */
export const NAMESPACE_ID_GROUP = 28;

const HEADER_LENGTH = 4;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
const NOT_ASSIGNED = -1;

/**
 * The number that the socket's namespace has for the one that `fd` stands for; when it has none, it gets one, as it
 * would with the first veth between the two. It is free for another namespace once this one is gone.
 */
export function ensureNamespaceId(socket: NetlinkSocket, fd: number): number {
  const known = namespaceId(socket, fd);
  if (known !== undefined) return known;
  const assign = attr.i32(NETNSA_NSID, NOT_ASSIGNED);
  socket.executeAll([
    { ...request(RTM_NEWNSID, fd, "assign a network namespace id", assign), tolerate: [constants.errno.EEXIST] },
  ]);
  const id = namespaceId(socket, fd);
  if (id === undefined) throw new Error("a network namespace has lost its id");
  return id;
}

function namespaceId(socket: NetlinkSocket, fd: number): number | undefined {
  const reply = socket.get(request(RTM_GETNSID, fd, "read a network namespace id"));
  const id = reply && idIn(reply);
  return id === NOT_ASSIGNED ? undefined : id;
}

/** The number that was taken back since its namespace is gone; undefined when the message tells of something else. */
export const removedNamespaceId = ({ type, payload }: Message): number | undefined =>
  type === RTM_DELNSID ? idIn(payload) : undefined;

const request = (type: number, fd: number, what: string, ...attributes: Buffer[]): Request => ({
  type,
  flags: 0,
  body: Buffer.concat([Buffer.alloc(HEADER_LENGTH), attr.u32(NETNSA_FD, fd), ...attributes]),
  what,
});

const idIn = (payload: Buffer): number | undefined =>
  parseAttributes(payload, HEADER_LENGTH).get(NETNSA_NSID)?.readInt32LE();
