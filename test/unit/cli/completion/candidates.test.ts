import { describe, expect, test } from "@jest/globals";
import { attached, calicoctl, network, sandbox, service } from "../world.ts";

const methods = {
  networks: async () => [network("frontend"), network("backend")],
  services: async () => [service("web"), attached("db")],
  sandboxes: async () => [{ ...sandbox(), services: [] }],
};

/** The words offered for a line whose last word is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const ran = await calicoctl(["__complete", "--", ...words], methods);
  expect(ran).toMatchObject({ code: 0, err: "" });
  return ran.out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t")[0] ?? "");
}

describe("commands", () => {
  test.each([
    [["net"], ["network"]],
    [
      ["network", ""],
      ["create", "rm", "ls", "info"],
    ],
    [["service", "a"], ["attach"]],
    [["nowhere", ""], []],
    [["--node", "x", "po"], ["pool"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["__"], []],
  ])("%j", async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test("they come with what they do", async () => {
    expect((await calicoctl(["__complete", "--", "network", "c"])).out).toBe(
      "create\tCreate a network and print its id\n",
    );
  });
});

describe("options", () => {
  test.each([
    [
      ["network", "ls", "--no"],
      ["--node", "--no-trunc"],
    ],
    [["network", "ls", "--latest", "--la"], ["--last"]],
    [["network", "create", "--label", "a=b", "--la"], ["--label"]],
    [
      ["network", "ls", "-o", ""],
      ["table", "wide", "json", "yaml", "name"],
    ],
    [["network", "ls", "--output=j"], ["--output=json"]],
    [["network", "create", "-o", ""], []],
    [["network", "ls", "--config", ""], [":file"]],
    [["network", "ls", "--state-dir="], [":directory"]],
    [["network", "rm", "--", "--no"], []],
    [["node", "--det"], ["--detach"]],
    [
      ["node", "--detach", ""],
      ["true", "false"],
    ],
  ])("%j", async (words, expected) => {
    expect((await offered(...words)).toSorted()).toEqual(expected.toSorted());
  });
});

describe("names", () => {
  test.each([
    [
      ["network", "rm", ""],
      ["frontend", "backend"],
    ],
    [["network", "rm", "frontend", ""], ["backend"]],
    [["network", "inspect", "f"], ["frontend"]],
    [["service", "ls", "--network", "b"], ["backend"]],
    [["service", "ls", "--network=b"], ["--network=backend"]],
    [["service", "info", "w"], ["web.frontend"]],
    [["service", "publish", "new"], []],
    [
      ["service", "publish", "new."],
      ["new.frontend", "new.backend"],
    ],
    [
      ["service", "attach", "pid:1", ""],
      ["web.frontend", "db.frontend"],
    ],
    [["endpoint", "show", "d"], ["db.frontend"]],
    [["sandbox", "show", ""], ["web-1"]],
    [["network", "ls", ""], []],
  ])("%j", async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test("are those of the store that the line means", async () => {
    const line = ["--etcd-endpoints", "http://a:1", "network", "rm", "--node=n", ""];
    const { opened } = await calicoctl(["__complete", "--", ...line], methods);
    expect(opened).toMatchObject([{ node: "n", store: { endpoints: ["http://a:1"] } }]);
  });

  test("a store that cannot be read has none, silently", async () => {
    const networks = async (): Promise<never> => Promise.reject(new Error("down"));
    expect(await calicoctl(["__complete", "--", "network", "rm", ""], { networks })).toMatchObject({
      code: 0,
      out: "",
      err: "",
    });
    expect(await calicoctl(["__complete", "--", "network", "rm", "--node", "../..", ""], methods)).toMatchObject({
      code: 0,
      out: "",
      err: "",
    });
  });
});
