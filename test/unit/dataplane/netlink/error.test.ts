import { describe, expect, test } from "@jest/globals";
import { constants } from "node:os";
import { UserError } from "../../../../src/base/errors.ts";
import { failureOf } from "../../../../src/dataplane/netlink/error.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, attr, encodeMessage } from "../../../../src/dataplane/netlink/message.ts";
import type { Message, Request } from "../../../../src/dataplane/netlink/message.ts";

const { EEXIST, EPERM } = constants.errno;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const request: Request = { type: 24, flags: 0, body: Buffer.alloc(0), what: "add the route to 10.0.0.5/32" };

function reply(type: number, flags: number, errno: number, ...rest: Buffer[]): Message {
  const code = Buffer.alloc(4);
  code.writeInt32LE(-errno);
  return { type, flags, sequence: 1, port: 0, payload: Buffer.concat([code, ...rest]) };
}

const capped = encodeMessage(24, 5, 1, Buffer.alloc(0));
const whole = encodeMessage(24, 5, 1, Buffer.from("a body of thirty bytes or so"));
const explanation = attr.string(1, "Device for nexthop is not up");

describe("what an answer says", () => {
  test("zero is success, and so is what the request tolerates", () => {
    expect(failureOf(request, reply(NLMSG_ERROR, NLM_F_CAPPED, 0, capped))).toBeUndefined();
    const answer = reply(NLMSG_ERROR, NLM_F_CAPPED, EEXIST, capped);
    expect(failureOf({ ...request, tolerate: [EEXIST] }, answer)).toBeUndefined();
    expect(failureOf({ ...request, tolerate: [EPERM] }, answer)).toBeInstanceOf(UserError);
  });

  test("without an explanation, the errno in words", () => {
    expect(failureOf(request, reply(NLMSG_ERROR, NLM_F_CAPPED, EEXIST, capped))).toMatchObject({
      message: "cannot add the route to 10.0.0.5/32: file already exists (EEXIST)",
      code: "failure",
      errno: EEXIST,
      errnoName: "EEXIST",
      explanation: undefined,
      hint: undefined,
    });
  });

  test.each([
    ["behind the header of the request", NLMSG_ERROR, NLM_F_CAPPED, [capped]],
    ["behind the whole request", NLMSG_ERROR, 0, [whole]],
    ["at the end of a dump", NLMSG_DONE, 0, []],
  ])("the kernel's own explanation, %s", (_, type, flags, echo) => {
    expect(failureOf(request, reply(type, flags | NLM_F_ACK_TLVS, 100, ...echo, explanation))).toMatchObject({
      message: "cannot add the route to 10.0.0.5/32: Device for nexthop is not up (ENETDOWN)",
      explanation: "Device for nexthop is not up",
    });
  });

  test("who has no permission is told to be root", () => {
    expect(failureOf(request, reply(NLMSG_ERROR, NLM_F_CAPPED, EPERM, capped))).toMatchObject({
      hint: "run it as root",
    });
  });

  test("an errno without a name is still told", () => {
    expect(failureOf(request, reply(NLMSG_ERROR, NLM_F_CAPPED, 524, capped))?.message).toMatch(/: E524$/);
  });

  test("the end of a dump without a code is success", () => {
    expect(
      failureOf(request, { type: NLMSG_DONE, flags: 0, sequence: 1, port: 0, payload: Buffer.alloc(0) }),
    ).toBeUndefined();
  });
});
