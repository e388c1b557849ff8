import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sameProcess } from "../../../src/runtime/process.ts";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { must, run, start, until } from "../../helpers/process.ts";
import { refusal } from "../../unit/runtime/fakes.ts";

const name = `cnmt-${randomBytes(4).toString("hex")}`;
const path = `/run/netns/${name}`;
const links = mkdtempSync(join(tmpdir(), "cnmt-"));

beforeAll(() => must(["ip", "netns", "add", name]));
afterAll(async () => {
  await run(["ip", "netns", "delete", name]);
  rmSync(links, { recursive: true, force: true });
});

describe("a named namespace", () => {
  const expected = { runtime: "netns", id: path, namespacePath: path };

  test.each([`netns:${name}`, path, `/var/run/netns/${name}`, `/run/netns/../netns/./${name}`])(
    "is one, however it is named: %s",
    async (text) => {
      expect(await resolveContainer(text)).toEqual(expected);
    },
  );

  test("is the same behind symbolic links", async () => {
    symlinkSync(path, join(links, "one"));
    symlinkSync("one", join(links, "two"));
    expect(await resolveContainer(join(links, "two"))).toEqual(expected);
  });
});

describe("a process in a namespace", () => {
  test("is found by its PID and by the file of its namespace, until it ends", async () => {
    const running = start(["sleep", "600"], { namespace: name });
    const { pid } = running;
    const namespaceOf = (process: number | "self"): string | undefined => readlinkSync(`/proc/${process}/ns/net`);
    await until("the process is in its namespace", () => namespaceOf(pid) !== namespaceOf("self"));
    symlinkSync(`/proc/${pid}/ns/net`, join(links, "process"));

    const found = await resolveContainer(`pid:${pid}`);
    expect(found).toMatchObject({ runtime: "pid", id: String(pid), pid, namespacePath: `/proc/${pid}/ns/net` });
    expect(await resolveContainer(`/proc/${pid}/ns/net`)).toEqual(found);
    expect(await resolveContainer(join(links, "process"))).toEqual(found);
    expect(sameProcess(pid, found.startTime ?? "")).toBe(true);

    running.kill();
    await running.ended;
    expect(sameProcess(pid, found.startTime ?? "")).toBe(false);
    expect((await refusal(resolveContainer(`pid:${pid}`))).code).toBe("not-found");
    expect((await refusal(resolveContainer(`/proc/${pid}/ns/net`))).code).toBe("not-found");
  });

  test("of the host itself is refused", async () => {
    const running = start(["sleep", "600"]);
    try {
      for (const text of [`pid:${running.pid}`, `/proc/${running.pid}/ns/net`]) {
        const { code, message } = await refusal(resolveContainer(text));
        expect(code).toBe("conflict");
        expect(message).toContain("would change the host's own network");
      }
    } finally {
      running.kill();
      await running.ended;
    }
  });
});
