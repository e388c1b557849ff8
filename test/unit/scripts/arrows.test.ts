import { describe, expect, test } from "@jest/globals";
import { readSources, violations } from "../../../scripts/test/arrows.ts";

const of = (path: string, text: string): string[] => violations(new Map([[path, text]]));

describe("the arrows rule", () => {
  test.each([
    ["a lower floor", "src/cli/main.ts", `import { Controller } from "../cnm/controller.ts";`],
    ["a floor further down", "src/cnm/attach.ts", `import type { Store } from "../store/store.ts";`],
    ["the base", "src/store/gateway.ts", `import { failure } from "../base/errors.ts";`],
    ["its own room", "src/cli/commands/network/ls.ts", `import { table } from "../../render/table.ts";`],
    ["an arrow sideways", "src/drivers/calico/driver.ts", `import { chains } from "../../policy/chains.ts";`],
    ["Node and packages", "src/cli/main.ts", `import { join } from "node:path"; import { Command } from "commander";`],
    ["a package at its edge", "src/store/grpc.ts", `const { Etcd3 } = await import("etcd3");`],
  ])("lets a file import %s", (_, path, text) => {
    expect(of(path, text)).toEqual([]);
  });

  test.each([
    [
      "upwards",
      "src/store/gateway.ts",
      `import { x } from "../cnm/model.ts";`,
      "imports src/cnm/model.ts: store may not know cnm.",
    ],
    [
      "a type upwards",
      "src/ipam/claim.ts",
      `import type { X } from "../cnm/model.ts";`,
      "imports src/cnm/model.ts: ipam may not know cnm.",
    ],
    [
      "sideways",
      "src/policy/chains.ts",
      `export { y } from "../drivers/driver.ts";`,
      "imports src/drivers/driver.ts: policy may not know drivers.",
    ],
    [
      "lazily",
      "src/dataplane/netns.ts",
      `await import(\n  "../store/store.ts"\n)`,
      "imports src/store/store.ts: dataplane may not know store.",
    ],
    [
      "for its effects",
      "src/base/id.ts",
      `import '../cli/main.ts';`,
      "imports src/cli/main.ts: base may not know cli.",
    ],
    [
      "out of the house",
      "src/cli/main.ts",
      `import { h } from "../../test/helpers/host.ts";`,
      "imports test/helpers/host.ts, which is in no room of the house.",
    ],
    [
      "a package kept elsewhere",
      "src/cnm/x.ts",
      `import koffi from "koffi";`,
      "imports koffi: only src/dataplane/libc.ts may.",
    ],
    [
      "a part of such a package",
      "src/agent/watch.ts",
      `await import("etcd3/lib/rpc.js")`,
      "imports etcd3/lib/rpc.js: only src/store/grpc.ts may.",
    ],
  ])("finds a file that imports %s", (_, path, text, wrong) => {
    expect(of(path, text)).toEqual([`${path} ${wrong}`]);
  });

  test("finds a file outside every room", () => {
    expect(of("src/main.ts", `import { x } from "./cnm/model.ts";`)).toEqual([
      "src/main.ts is in no room of the house.",
    ]);
  });

  test("reads the real sources", () => {
    expect([...readSources().keys()]).toContain("src/base/errors.ts");
  });
});
