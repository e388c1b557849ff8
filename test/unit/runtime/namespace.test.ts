import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { fakeHost, refusal } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
});
afterEach(() => host.remove());

const resolve = (text: string) => resolveContainer(text, { root: host.root });

describe("a process", () => {
  test("is its own namespace", async () => {
    host.process(42, { startTime: "99" });
    expect(await resolve("pid:42")).toEqual({
      runtime: "pid",
      id: "42",
      pid: 42,
      startTime: "99",
      namespacePath: join(host.root, "proc/42/ns/net"),
    });
  });

  test("that is not there is not found", async () => {
    expect(await refusal(resolve("pid:42"))).toMatchObject({ code: "not-found", message: "no process 42" });
  });

  test("on the host's network is refused", async () => {
    host.process(42, { hostNetwork: true });
    const { code, message } = await refusal(resolve("pid:42"));
    expect(code).toBe("conflict");
    expect(message).toContain("would change the host's own network");
  });

  test("this very process is refused", async () => {
    const { code } = await refusal(resolveContainer(`pid:${process.pid}`));
    expect(code).toBe("conflict");
  });
});

describe("a namespace file", () => {
  test("that is not there is not found", async () => {
    const { code, message } = await refusal(resolve("netns:blue"));
    expect(code).toBe("not-found");
    expect(message).toContain("run/netns/blue");
  });

  test("of another kind is refused", async () => {
    host.command("run/netns/blue", "");
    host.directory("run/netns/green");
    for (const name of ["blue", "green"]) {
      const { code, message } = await refusal(resolve(`netns:${name}`));
      expect(code).toBe("usage");
      expect(message).toContain("is not a network namespace");
    }
    expect((await refusal(resolve("/run/../etc/passwd"))).code).toBe("usage");
    expect((await refusal(resolve("/etc/passwd/blue"))).code).toBe("not-found");
    expect((await refusal(resolve(`/${"a".repeat(300)}`))).code).toBe("usage");
  });

  test("behind links that go in circles is refused", async () => {
    symlinkSync("circle", join(host.root, "circle"));
    const { code, message } = await refusal(resolve(join(host.root, "circle")));
    expect(code).toBe("usage");
    expect(message).toContain("ELOOP");
  });

  test.each(["/proc/self/ns/net", `/proc/${process.pid}/ns/net`, "/proc/thread-self/ns/net"])(
    "of this very process is refused: %s",
    async (path) => {
      expect((await refusal(resolveContainer(path))).code).toBe("conflict");
    },
  );
});
