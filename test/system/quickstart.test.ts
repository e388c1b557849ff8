import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { startDocker } from "../helpers/docker.ts";
import { type Ended, must, run, type Running, type RunOptions, start, until } from "../helpers/process.ts";
import { snapshot } from "../helpers/snapshot.ts";

// Each test is some thirty commands in a row.
jest.setTimeout(180_000);

const quickstart = "node scripts/run.mjs scripts/quickstart.ts";
const asFound = "✓ the host is as it was found";

/** Empty for a process that is gone, or a zombie. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

/** A host that has nothing: a network namespace, and a /run of each run's own. */
describe("npm run quickstart", () => {
  let host: string;
  let before: string;

  beforeEach(async () => {
    host = `cnmt-${randomBytes(4).toString("hex")}`;
    await must(["ip", "netns", "add", host]);
    await must(["ip", "-n", host, "link", "set", "lo", "up"]);
    before = await snapshot(host);
  });

  afterEach(async () => {
    for (const pid of processes()) process.kill(pid, "SIGKILL");
    await must(["ip", "netns", "delete", host]);
  });

  const begin = (script: string, options: RunOptions = {}): Running =>
    start(["unshare", "--mount", "sh", "-c", `mount -t tmpfs tmpfs /run && ${script}`], {
      ...options,
      env: {
        ETCD_ENDPOINTS: undefined,
        ETCD_AUTHORITY: undefined,
        DOCKER_HOST: "unix:///nowhere",
        QUICKSTART_TEST: host,
        ...options.env,
      },
      namespace: host,
    });
  /** As Docker leaves a host on which it switched forwarding on; another firewall has no chain for the rules of others. */
  const closeForwarding = async (chains: "with DOCKER-USER" | "alone"): Promise<void> => {
    const docker = chains === "alone" ? "" : "chain DOCKER-USER { return; }";
    const jump = chains === "alone" ? "" : "jump DOCKER-USER;";
    const stdin = `table ip filter { ${docker}
      chain FORWARD { type filter hook forward priority filter; policy drop; ${jump} }
    }\n`;
    await must(["nft", "-f", "-"], { namespace: host, stdin });
    before = await snapshot(host);
  };

  const play = (script: string, options?: RunOptions): Promise<Ended> => begin(script, options).ended;

  /** All that a run has started and that is still there, in whichever network namespace. */
  const processes = (): number[] =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => environmentOf(pid).includes(`QUICKSTART_TEST=${host}\0`));

  test("does the main job and leaves the host as it was found", async () => {
    const { code, stdout, stderr } = await play(quickstart);
    expect(stderr).toBe("");
    expect(stdout).not.toContain("✗");
    expect(stdout).toMatch(/✓ web reaches api\.qs-frontend \([\d.]+\): ping answered, TCP connected/);
    expect(stdout).toMatch(/✓ web does not reach db\.qs-backend \([\d.]+\): ping unanswered, TCP not connected/);
    expect(stdout).toContain("NETWORK ID");
    expect(stdout).toContain("✓ nothing to repair");
    expect(stdout).toContain(asFound);
    expect(code).toBe(0);
    expect(await snapshot(host)).toBe(before);
    expect(processes()).toEqual([]);
  });

  test("takes Docker containers too when a daemon answers", async () => {
    const docker = await startDocker({ namespaceFile: `/run/netns/${host}` });
    try {
      const { code, stdout, stderr } = await play(quickstart, { env: { DOCKER_HOST: docker.host } });
      expect(stderr).toBe("");
      expect(stdout).not.toContain("✗");
      expect(stdout).toMatch(/✓ cache reaches db\.qs-backend/);
      expect(stdout).toMatch(/✓ web does not reach cache\.qs-backend/);
      expect(code).toBe(0);
      expect(await docker.docker("ps", "--all", "--quiet")).toBe("");
      expect(await docker.docker("images", "--quiet", "calicoctl-quickstart")).toBe("");
    } finally {
      await docker.stop();
    }
  });

  test("stands with --keep, once; --down takes it away, and tells what else has changed on the host", async () => {
    const meanwhile = "ip link add left0 type veth peer name left1";
    const { code, stdout } = await play(
      `${quickstart} --keep && { ${quickstart}; ${meanwhile}; ${quickstart} --down; }`,
    );
    expect(stdout).toContain("$ npm run quickstart -- --down");
    expect(stdout).toContain("✗ a quickstart stands or runs here already");
    expect(stdout).toContain("✗ the host is not as it was found:");
    expect(stdout).toContain("+ left0@left1:");
    expect(code).toBe(1);
    await must(["ip", "-n", host, "link", "delete", "left0"]);
    expect(await snapshot(host)).toBe(before);
    expect(processes()).toEqual([]);
  });

  test("opens the firewall of a host that Docker has closed, in sight, and closes it again", async () => {
    await closeForwarding("with DOCKER-USER");
    const { code, stdout, stderr } = await play(quickstart);
    expect(stderr).toBe("");
    expect(stdout).toContain("The host's firewall drops what it forwards (chain FORWARD)");
    expect(stdout).toContain("$ nft insert rule ip filter DOCKER-USER iifname 'cali*' accept");
    expect(stdout).toContain("✓ web reaches api.qs-frontend");
    expect(stdout).not.toContain("✗");
    expect(stdout).toContain(asFound);
    expect(code).toBe(0);
    expect(await snapshot(host)).toBe(before);
  });

  test("does not begin where the firewall is closed for good, and tells how to open it", async () => {
    await closeForwarding("alone");
    const { code, stdout } = await play(`${quickstart}; code=$?; ls -A /run; exit $code`);
    expect(stdout).toContain('nft insert rule ip filter FORWARD iifname "cali*" accept');
    expect(stdout).not.toContain("calicoctl-quickstart");
    expect(code).toBe(1);
    expect(await snapshot(host)).toBe(before);
  });

  test("takes everything down when it is interrupted", async () => {
    await closeForwarding("with DOCKER-USER");
    const running = begin(`exec ${quickstart}`);
    await until("an attached container", async () => (await run(["ip", "-n", host, "link"])).stdout.includes(" cali"));
    running.kill("SIGINT");
    const { code, stdout } = await running.ended;
    expect(stdout).toContain("✗ interrupted");
    expect(stdout).toContain(asFound);
    expect(code).toBe(130);
    expect(await snapshot(host)).toBe(before);
    expect(processes()).toEqual([]);
  });

  test("uses the etcd that is configured, and tells when it does not answer", async () => {
    const { code, stdout, stderr } = await play(quickstart, { env: { ETCD_ENDPOINTS: "http://127.0.0.1:1" } });
    expect(stderr).toContain("http://127.0.0.1:1");
    expect(stdout).toContain("✗ calicoctl network ls");
    expect(code).toBe(1);
    expect(await snapshot(host)).toBe(before);
  });

  test("refuses an option that it does not know", async () => {
    expect(await play(`${quickstart} --dwon`)).toMatchObject({ code: 1, stdout: expect.stringContaining("--dwon") });
  });
});
