import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Ended, run } from "../helpers/process.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-setup-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "sbin"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]): string => join(folder, ...names);
const read = (...names: string[]): string => (existsSync(at(...names)) ? readFileSync(at(...names), "utf8") : "");

function program(name: string, script: string): void {
  writeFileSync(at("bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(at("bin", name), 0o755);
}

/** Calls a function of setup on a machine whose /usr/sbin is the folder's sbin, in the folder, with its programs. */
const call = (file: string, name: string, ...args: unknown[]): Promise<Ended> => {
  const module = resolve("scripts/setup", file);
  const text = `import("${module}").then((m) => m.${name}(...${JSON.stringify(args)})).catch((e) => { console.error(e.message); process.exit(1); })`;
  const script = 'mount --bind "$1/sbin" /usr/sbin && cd "$1" && PATH="$1/bin" && exec "$2" --eval "$3"';
  return run(["unshare", "--mount", "sh", "-c", script, "sh", folder, process.execPath, text]);
};

describe("the setup of Debian packages", () => {
  const install = (): Promise<Ended> => call("debian.mjs", "installCommands", { "cnm-tool": "cnm-package" });
  /** Installs the tool, and writes down its arguments and what Debian would ask before it starts a service. */
  const apt = (): void => {
    const policy = `[ -e /usr/sbin/policy-rc.d ] && /bin/cat /usr/sbin/policy-rc.d >"${at("policy")}"`;
    const tool = `[ "$3" = DPkg::Lock::Timeout=300 ] && [ "$4" = install ] && /bin/cp /bin/true "${at("bin", "cnm-tool")}"`;
    program("apt-get", `echo "$@" >>"${at("calls")}"\n${policy}\n${tool}\ntrue`);
  };

  test("installs the package of a missing command, with services blocked meanwhile only", async () => {
    apt();
    expect(await install()).toMatchObject({ code: 0 });
    expect(read("calls")).toMatch(/ update\n.* install --yes --no-install-recommends cnm-package\n$/);
    expect(read("policy")).toContain("exit 101");
    expect(existsSync(at("sbin", "policy-rc.d"))).toBe(false);
  });

  test("asks for nothing when the command is there", async () => {
    apt();
    program("cnm-tool", "true");
    expect(await install()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(read("calls")).toBe("");
  });

  test("leaves the machine's own policy for services as it is", async () => {
    apt();
    writeFileSync(at("sbin", "policy-rc.d"), "#!/bin/sh\nexit 0\n");
    expect(await install()).toMatchObject({ code: 0 });
    expect(read("policy")).toBe("#!/bin/sh\nexit 0\n");
    expect(read("sbin", "policy-rc.d")).toBe("#!/bin/sh\nexit 0\n");
  });

  test("tells what apt-get said when it fails, and what to install when there is none", async () => {
    expect((await install()).stderr).toMatch(/not found: cnm-tool, .* no apt-get[^]*cnm-package/);
    program("apt-get", "echo no such package >&2; exit 100");
    const { code, stderr } = await install();
    expect(code).toBe(1);
    expect(stderr).toContain("exit code 100\nno such package");
    expect(existsSync(at("sbin", "policy-rc.d"))).toBe(false);
  });
});

describe("the setup of npm packages", () => {
  const locked = (packages: Record<string, object>): string => JSON.stringify({ packages: { "": {}, ...packages } });
  const install = async (): Promise<string> => {
    expect(await call("project.mjs", "installPackages")).toMatchObject({ code: 0 });
    return read("calls");
  };
  const one = { version: "1.0.0", integrity: "sha512-one" };

  beforeEach(() => {
    program("npm", `echo "$@" >>"${at("calls")}"`);
    mkdirSync(at("node_modules"));
    const other = { version: "1.0.0", integrity: "sha512-other", optional: true };
    writeFileSync(at("package-lock.json"), locked({ "node_modules/one": one, "node_modules/other-machine": other }));
  });

  test("does nothing when what is installed is what is asked for", async () => {
    writeFileSync(at("node_modules", ".package-lock.json"), locked({ "node_modules/one": one }));
    expect(await install()).toBe("");
  });

  test.each([
    ["another version is installed", { "node_modules/one": { ...one, version: "0.9.0" } }],
    ["another content is installed", { "node_modules/one": { ...one, integrity: "sha512-two" } }],
    ["a package is missing", {}],
  ])("runs npm ci when %s", async (_, packages) => {
    writeFileSync(at("node_modules", ".package-lock.json"), locked(packages));
    expect(await install()).toBe("ci --no-audit --no-fund\n");
  });

  test("runs npm ci when an installation was broken off", async () => {
    expect(await install()).toBe("ci --no-audit --no-fund\n");
  });
});

describe("the setup of dist", () => {
  test("builds when there is none, and when a source is newer", async () => {
    for (const name of ["src", "scripts", "scripts/build"]) mkdirSync(at(name));
    for (const name of ["src/main.ts", "scripts/build.ts", "package-lock.json"]) writeFileSync(at(name), "");
    const builder = 'import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";';
    const built =
      'mkdirSync("dist", { recursive: true }); writeFileSync("dist/main.cjs", ""); appendFileSync("calls", "built\\n");';
    writeFileSync(at("scripts/run.mjs"), builder + built);
    const build = async (): Promise<string> => {
      expect(await call("project.mjs", "buildProject")).toMatchObject({ code: 0 });
      return read("calls");
    };
    expect(await build()).toBe("built\n");
    expect(await build()).toBe("built\n");
    const later = Date.now() / 1000 + 60;
    utimesSync(at("src/main.ts"), later, later);
    expect(await build()).toBe("built\nbuilt\n");
  });
});

describe("the setup's look at the machine", () => {
  const setup = (...limits: string[]): Promise<Ended> =>
    run(["setpriv", ...limits, process.execPath, resolve("scripts/setup.mjs")]);

  test("tells a user who is not root", async () => {
    const { code, stderr } = await setup("--reuid=65534", "--clear-groups");
    expect(stderr).toMatch(/^setup: this needs root, .* sudo\.$/);
    expect(code).toBe(1);
  });

  test("tells root in a container that may not make network namespaces", async () => {
    const { code, stderr } = await setup("--bounding-set=-sys_admin,-net_admin");
    expect(stderr).toMatch(/^setup: this kernel or container does not allow network namespaces[^]*--privileged/);
    expect(code).toBe(1);
  });
});
