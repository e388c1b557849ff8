import { describe, expect, test } from "@jest/globals";
import { UserError, conflict, notFound } from "../../../src/base/errors.ts";
import { version } from "../../../src/cli/version.ts";
import { calicoctl, id, network } from "./world.ts";

const never = async (): Promise<never> => new Promise(() => undefined);

describe("exit codes", () => {
  test.each([
    ["failure", 1],
    ["usage", 2],
    ["not-found", 3],
    ["conflict", 4],
    ["store-unreachable", 5],
    ["check-failed", 6],
  ] as const)("%s is %d", async (code, exit) => {
    const ran = await calicoctl(["network", "ls"], {
      networks: async () => Promise.reject(new UserError(code, "what happened", { hint: "what to do" })),
    });
    expect(ran).toMatchObject({ code: exit, out: "", err: "calicoctl: what happened\nhint: what to do\n" });
  });

  test("a bug is told from a failure, with its stack only for who asks", async () => {
    const networks = async (): Promise<never> => Promise.reject(new TypeError("x is not a function"));
    const ran = await calicoctl(["network", "ls"], { networks });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^calicoctl: x is not a function \(this is a bug\)\nhint: .*CALICO_DEBUG=1/);
    expect(ran.err).not.toContain("    at ");
    const debugged = await calicoctl(["network", "ls"], { networks }, { env: { CALICO_DEBUG: "1" } });
    expect(debugged.err).toContain("    at ");
  });

  test("an error of several lines stays on one", async () => {
    const networks = async (): Promise<never> => Promise.reject(notFound('no "a\nb"'));
    expect((await calicoctl(["network", "ls"], { networks })).err).toBe('calicoctl: no "a\\u000ab"\n');
  });

  test.each([[["-o", "json"]], [["--output", "json"]], [["--output=json"]], [["-ojson"]]])(
    "%j makes errors JSON",
    async (output) => {
      const networks = async (): Promise<never> => Promise.reject(conflict("in use", "wait"));
      const ran = await calicoctl(["network", "ls", ...output], { networks });
      expect(ran.code).toBe(4);
      expect(JSON.parse(ran.err)).toEqual({ error: { code: "conflict", message: "in use", hint: "wait" } });
    },
  );

  test("a command line that does not parse has its error in JSON too", async () => {
    const ran = await calicoctl(["network", "lss", "-o", "json"]);
    expect(ran.code).toBe(2);
    expect(JSON.parse(ran.err)).toEqual({
      error: { code: "usage", message: "unknown command 'lss'", hint: "did you mean ls?" },
    });
  });
});

describe("usage", () => {
  test.each([
    [["netwrk"], "unknown command 'netwrk'\nhint: did you mean network?"],
    [["network"], "network needs a command: create, rm, ls, info\nhint: calicoctl network --help"],
    [["network", "ls", "--al"], "unknown option '--al'\nhint: calicoctl network ls --help"],
    [["network", "ls", "--lastest"], "unknown option '--lastest'\nhint: did you mean --latest?"],
    [["network", "ls", "-n"], "option '-n, --last <N>' argument missing"],
    [["network", "ls", "-n", "x"], '--last: "x" is not a whole number from 0 to 1000000'],
    [["network", "ls", "x"], 'too many arguments: "x"\nhint: usage: calicoctl network ls [options]'],
    [["network", "ls", "-o", "xml"], '--output: "xml" is none of table, wide, json, yaml, name'],
    [["network", "ls", "-f", "color=red"], '--filter: "color" is none of driver, id, name, label'],
    [["network", "ls", "--timeout", "0"], '--timeout: "0" is not a number of seconds above 0'],
    [["network", "rm"], "NETWORK is missing\nhint: usage: calicoctl network rm [options] NETWORK..."],
    [["service", "attach", "1", "a.b", "--mac", "x"], "--mac is for a service that is published on the way"],
    [["network", "ls", "--state-dir", "x"], '--state-dir: "x" is not an absolute path'],
    [["completion", "ksh"], 'SHELL: "ksh" is none of bash, zsh, fish'],
  ])("%j", async (argv, message) => {
    const ran = await calicoctl(argv);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain(`calicoctl: ${message}`);
  });
});

describe("help", () => {
  test.each([[[]], [["--help"]], [["-h"]], [["help"]]])("%j lists the nouns on stdout", async (argv) => {
    const ran = await calicoctl(argv);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toMatch(/Usage: calicoctl/);
    for (const word of ["network", "service", "endpoint", "sandbox", "pool", "ipam", "check", "version", "completion"])
      expect(ran.out).toMatch(new RegExp(`^  ${word} `, "m"));
    expect(ran.out).not.toContain("__complete");
  });

  test.each([[["network", "create", "--help"]], [["help", "network", "create"]]])("%j has examples", async (argv) => {
    const ran = await calicoctl(argv);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("Usage: calicoctl network create [options] NAME");
    expect(ran.out).toContain("-o, --opt <KEY=VALUE>");
    expect(ran.out).toContain("      --output <FORMAT>".trim());
    expect(ran.out).toContain(
      "Examples:\n  # a network with addresses from the default pools\n  calicoctl network create frontend",
    );
  });

  test("--version is the version alone, also behind other options", async () => {
    expect(await calicoctl(["--node", "x", "--version"])).toMatchObject({ code: 0, out: `${version}\n` });
  });
});

describe("global options", () => {
  const networks = async (): Promise<[]> => [];

  test.each([
    [["--node", "n", "--etcd-endpoints", "http://a:1", "network", "ls"]],
    [["network", "--node", "n", "ls", "--etcd-endpoints", "http://a:1"]],
    [["network", "ls", "--etcd-endpoints=http://a:1", "--node=n"]],
    [["--node", "other", "network", "ls", "--etcd-endpoints", "http://a:1", "--node", "n"]],
  ])("%j", async (argv) => {
    const { code, opened } = await calicoctl(argv, { networks });
    expect(code).toBe(0);
    expect(opened).toMatchObject([{ node: "n", store: { endpoints: ["http://a:1"] } }]);
  });

  test("-o before network create is the output, after it the driver's option", async () => {
    const asked: unknown[] = [];
    const createNetwork = async (spec: unknown) => {
      asked.push(spec);
      return network("a");
    };
    const ran = await calicoctl(["-o", "name", "network", "create", "-o", "k=v", "a"], { createNetwork });
    expect(ran).toMatchObject({ code: 0, out: "a\n" });
    expect(asked).toMatchObject([{ name: "a", options: { k: "v" } }]);
  });
});

describe("stopping", () => {
  test("--timeout ends a command that hangs", async () => {
    const ran = await calicoctl(["network", "ls", "--timeout", "0.01"], { networks: never });
    expect(ran).toMatchObject({ code: 124, out: "", err: "calicoctl: gave up after 0.01 s\n" });
  });

  test("what a stopped command finds out after all is not printed", async () => {
    const interruption = new AbortController();
    const networks = async () => {
      interruption.abort(new UserError("timeout", "gave up"));
      return [network("a")];
    };
    const ran = await calicoctl(["network", "ls"], { networks }, { interrupted: interruption.signal });
    expect(ran).toMatchObject({ code: 124, out: "", err: "calicoctl: gave up\n" });
  });

  test("an interrupt ends it too, and what it stumbles over is not reported", async () => {
    const interruption = new AbortController();
    const networks = async (): Promise<never> => {
      interruption.abort(new UserError("interrupted", "interrupted"));
      throw new Error("the consequence");
    };
    const ran = await calicoctl(["network", "ls"], { networks }, { interrupted: interruption.signal });
    expect(ran).toMatchObject({ code: 130, err: "calicoctl: interrupted\n" });
  });

  test("the objects that are left are not begun", async () => {
    const interruption = new AbortController();
    const begun: string[] = [];
    const removeNetwork = async (name: string) => {
      begun.push(name);
      interruption.abort(new UserError("interrupted", "interrupted"));
      return network(name);
    };
    const ran = await calicoctl(["network", "rm", "a", "b"], { removeNetwork }, { interrupted: interruption.signal });
    expect(ran.code).toBe(130);
    expect(begun).toEqual(["a"]);
  });
});

test("an id is printed whole by create", async () => {
  const ran = await calicoctl(["network", "create", "a"], { createNetwork: async () => network("a") });
  expect(ran).toMatchObject({ code: 0, out: `${id("a")}\n`, err: "" });
});
