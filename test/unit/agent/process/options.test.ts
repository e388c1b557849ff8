import { expect, test } from "@jest/globals";
import { type NodeOptions, nodeArguments } from "../../../../src/agent/process/options.ts";
import { readNodeOptions } from "../../../../src/cli/commands/node/node-options.ts";
import { nodeStart } from "../../../../src/cli/commands/node/start.ts";
import { globalOptions } from "../../../../src/cli/common-options.ts";
import { parse } from "../../../../src/cli/program.ts";
import { nouns, tree } from "../../../../src/cli/tree.ts";

const settings = {
  store: { endpoints: ["http://127.0.0.1:9"] },
  storeIsConfigured: false,
  node: "n1",
  stateDir: "/run/calico",
  defaultPools: true,
};
const none = {
  name: undefined,
  ip: undefined,
  ip6: undefined,
  etcd: undefined,
  etcdDataDir: undefined,
  logDir: undefined,
  logLevel: undefined,
  metricsAddress: undefined,
  libnetwork: false,
  pluginDir: undefined,
  dns: undefined,
};

test("the words that start the node elsewhere are all known to the command, and mean the same", () => {
  const full: NodeOptions = {
    ...readNodeOptions(settings, none),
    storeIsConfigured: true,
    store: {
      endpoints: ["https://a:1", "https://b:2"],
      caFile: "/ca",
      certFile: "/cert",
      keyFile: "/key",
      username: "u",
      passwordFile: "/pw",
    },
    ip: "10.0.0.1",
    ip6: "fd00::1",
    metricsAddress: "127.0.0.1:9091",
    dns: false,
  };
  const request = parse(tree, nouns, nodeArguments(full));
  if (!("command" in request)) throw new Error("it asks for help");
  expect(request.command).toBe(nodeStart);
  expect(request.words).toEqual([]);
  expect(Object.keys(request.options).filter((key) => !(key in { ...nodeStart.options, ...globalOptions }))).toEqual(
    [],
  );
  expect(request.options).toMatchObject({
    name: "n1",
    detach: "false",
    etcdEndpoints: "https://a:1,https://b:2",
    etcdPasswordFile: "/pw",
    ip6: "fd00::1",
    etcd: "auto",
    dns: "false",
  });
});

test("an unconfigured store is not named, whatever an earlier node has left", () => {
  const options = readNodeOptions(settings, none);
  expect(options.store.endpoints).toEqual(["http://127.0.0.1:2379"]);
  expect(nodeArguments(options).join(" ")).not.toContain("endpoints");
});

test.each([
  [{ ip: "fd00::1" }, "--ip"],
  [{ ip6: "10.0.0.1" }, "--ip6"],
  [{ name: "a/b" }, "--name"],
  [{ logDir: "logs" }, "--log-dir"],
  [{ etcdDataDir: "../x" }, "--etcd-data-dir"],
])("%j is refused by the name of the option", (given, flag) => {
  expect(() => readNodeOptions(settings, { ...none, ...given })).toThrow(
    expect.objectContaining({ code: "usage", message: expect.stringContaining(`${flag}: `) }),
  );
});

test.each([
  [["node"]],
  [["node", "--detach=false"]],
  [["--state-dir", "/x", "node", "--ip", "10.0.0.1"]],
  [["node", "start", "--log-level=debug"]],
])("%j starts a node", (argv) => {
  expect(parse(tree, nouns, argv)).toMatchObject({ command: nodeStart });
});
