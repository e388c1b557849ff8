import { afterAll, describe, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kernelVersionRow } from "../../../../src/agent/system-check/kernel.ts";
import { engineRows } from "../../../../src/agent/system-check/programs.ts";
import { clockRow, spaceRow } from "../../../../src/agent/system-check/settings.ts";
import { placesBelow } from "../../../../src/runtime/places.ts";

const folder = mkdtempSync(join(tmpdir(), "cnmt-rows-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["6.1.0-18-amd64", "ok"],
  ["5.14.0", "ok"],
  ["5.13.19-generic", "missing"],
  ["4.19.0", "missing"],
])("Linux %s is %s", (version, state) => {
  expect(kernelVersionRow(version)).toMatchObject({ state, found: `Linux ${version}` });
});

test("a clock that is before the program was made is told", () => {
  const program = join(folder, "program");
  writeFileSync(program, "");
  const made = statSync(program).mtimeMs;
  expect(clockRow(program, made + 1)).toMatchObject({ state: "ok" });
  expect(clockRow(program, made - 86_400_000)).toMatchObject({ state: "warning", remedy: expect.any(String) });
});

describe("room for a directory", () => {
  test("is that of the nearest one that is there; nothing is made", () => {
    const wanted = join(folder, "not", "yet");
    expect(spaceRow("state directory", wanted, "--state-dir")).toMatchObject({
      state: "ok",
      found: expect.stringMatching(/not\/yet: \d+ MiB free/),
    });
    expect(() => statSync(dirname(wanted))).toThrow("ENOENT");
  });

  test("is missing where nobody can write", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(spaceRow("state directory", join(file, "calico"), "--state-dir")).toMatchObject({
      state: "missing",
      remedy: expect.stringContaining("--state-dir"),
    });
  });
});

describe("container engines", () => {
  test("none is fine", () => {
    expect(engineRows(undefined, placesBelow(folder))).toMatchObject([{ name: "container engines", state: "ok" }]);
  });

  test("are known by their sockets, and Docker by DOCKER_HOST", async () => {
    const { podmanSocket } = placesBelow(folder);
    mkdirSync(dirname(podmanSocket), { recursive: true });
    const server = createServer().listen(podmanSocket);
    await once(server, "listening");
    expect(engineRows("tcp://192.0.2.1:2375", placesBelow(folder)).map(({ name, found }) => [name, found])).toEqual([
      ["Docker", "DOCKER_HOST is tcp://192.0.2.1:2375"],
      ["Podman", podmanSocket],
    ]);
    server.close();
  });
});
