import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { UserError } from "../../../src/base/errors.ts";
import { parseContainerArgument } from "../../../src/runtime/argument.ts";

describe("a CONTAINER argument", () => {
  test.each([
    ["1234", { kind: "any", name: "1234", pid: 1234 }],
    ["4194304", { kind: "any", name: "4194304", pid: 4_194_304 }],
    ["4194305", { kind: "any", name: "4194305" }],
    ["0123", { kind: "any", name: "0123" }],
    ["web.1_a-b", { kind: "any", name: "web.1_a-b" }],
    ["e", { kind: "any", name: "e" }],
    ["pid:7", { kind: "pid", pid: 7 }],
    ["netns:blue", { kind: "netns", name: "blue" }],
    ["netns:cni-1f:2", { kind: "netns", name: "cni-1f:2" }],
    ["/run/netns/blue", { kind: "path", path: "/run/netns/blue" }],
    ["docker:1234", { kind: "named", runtime: "docker", name: "1234" }],
    ["podman:web", { kind: "named", runtime: "podman", name: "web" }],
    ["containerd:web", { kind: "named", runtime: "containerd", name: "web" }],
  ])("%s", (text, expected) => {
    expect(parseContainerArgument(text)).toEqual(expected);
  });

  test.each([
    ["", "empty"],
    ["-f", "begin with a letter or digit"],
    [".", "begin with a letter or digit"],
    ["../../etc/passwd", "begin with a letter or digit"],
    ["a/b", "letters, digits"],
    ["a b", "letters, digits"],
    ["$(reboot)", "letters, digits"],
    ["web\n", "printable ASCII"],
    ["we\u0000b", "printable ASCII"],
    ["/run/netns/\u001b[2J", "printable ASCII"],
    ["wéb", "printable ASCII"],
    ["a".repeat(256), "letters, digits"],
    ["/".repeat(5000), "longer than 4095"],
    ["pid:", "a PID is a number"],
    ["pid:0", "a PID is a number"],
    ["pid:-1", "a PID is a number"],
    ["pid:4194305", "a PID is a number"],
    ["pid:1e3", "a PID is a number"],
    ["netns:", "network namespace"],
    ["netns:.", "network namespace"],
    ["netns:..", "network namespace"],
    ["netns:../x", "network namespace"],
    ["netns:-x", "network namespace"],
    ["docker:", "not a container id or name"],
    ["docker:../x", "not a container id or name"],
    ["lxc:web", "no such prefix"],
  ])("refuses %j", (text, why) => {
    expect(() => parseContainerArgument(text)).toThrow(why);
  });

  test("is read, or refused in one printable line, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 5000 })), (text) => {
        try {
          expect(JSON.stringify(parseContainerArgument(text))).toContain(
            text.includes(":") ? "kind" : JSON.stringify(text).slice(1, -1),
          );
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(error.code).toBe("usage");
          expect(error.message).toMatch(/^[^\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]{1,400}$/u);
          expect(error.hint).toContain("netns:NAME");
        }
      }),
    );
  });
});
