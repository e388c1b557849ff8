/** Passwords and certificates that change under a node that runs. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAuthority } from "../../helpers/certificates.ts";
import { ping, type Container } from "../../helpers/container.ts";
import { startEtcd, type Etcd } from "../../helpers/etcd.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "../cnm/services.ts";
import { eventsOf } from "./events.ts";

let host: Host;
let container: Container;
let resident: Resident | undefined;
let node: NodeProcess | undefined;
let etcd: Etcd | undefined;
beforeEach(async () => {
  host = await makeHost();
  container = await host.container();
  resident = node = etcd = undefined;
});
afterEach(async () => {
  await node?.stop();
  await resident?.close();
  await etcd?.stop();
  await host.close();
});

const etcdctl = (words: readonly string[], stdin = ""): Promise<string> =>
  must(["etcdctl", ...words], {
    stdin,
    namespace: host.namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: host.etcd.endpoint },
  });

const commandsWith = (env: Record<string, string>): Resident =>
  (resident = startResident({ ...host, env: { ...host.env, ...env } }));

async function expectWell(commands: Resident, service: string): Promise<void> {
  await commands.must("status", "--wait", "--timeout", "40");
  const { ip, hostInterface } = await attachNew(commands, container, service);
  await must(["ip", "link", "delete", hostInterface], { namespace: host.namespace });
  await until("it is mended", () => ping(host, ip));
  await until("all is right", async () => (await commands.calicoctl("check")).code === 0);
}

test("a password that was changed is read again, and no secret is told", async () => {
  const file = join(host.folder, "password");
  const change = (password: string): void => writeFileSync(file, password, { mode: 0o600 });
  change("first-secret");
  for (const words of ["user add root:first-secret", "role add root", "user grant-role root root", "auth enable"])
    await etcdctl(words.split(" "));
  const commands = commandsWith({ ETCD_USERNAME: "root", ETCD_PASSWORD_FILE: file });
  const options = ["--etcd-username", "root", "--etcd-password-file", file, "--log-level", "debug"];
  node = await startNode(host, commands, ...options);
  await expectWell(commands, "one.a");
  await etcdctl(["--user", "root:first-secret", "user", "passwd", "root", "--interactive=false"], "second-secret");
  // Its tokens go with it.
  await host.etcd.kill();
  await host.etcd.start();
  await until("it is told", async () => (await eventsOf(commands)).some(({ kind }) => kind === "store-lost"), 30_000);
  change("second-secret");
  await expectWell(commands, "two.a");
  const archive = join(host.folder, "diags.tar.gz");
  await commands.must("diags", archive);
  await must(["tar", "-xzf", archive, "-C", host.folder]);
  await node?.stop();
  const said = (await node?.running.ended)?.stderr ?? "";
  expect(said).toContain('"level":"debug"');
  expect(said).not.toMatch(/(first|second)-secret/);
  expect(await host.exec(["grep", "-rlE", "(first|second)-secret", host.folder])).toMatchObject({ stdout: file });
});

test("certificates that were changed are read again", async () => {
  await host.etcd.kill();
  const [server, client] = [join(host.folder, "server"), join(host.folder, "client")];
  const files = (base: string): { certFile: string; keyFile: string } => ({
    certFile: `${base}.crt`,
    keyFile: `${base}.key`,
  });
  const caFile = join(host.folder, "ca.crt");
  const issue = (name: string): void => {
    const authority = makeAuthority(host.folder, name);
    copyFileSync(authority.caFile, caFile);
    for (const [base, of] of [
      [server, "etcd"],
      [client, "root"],
    ] as const) {
      const { certFile, keyFile } = authority.issue(of);
      copyFileSync(certFile, files(base).certFile);
      copyFileSync(keyFile, files(base).keyFile);
    }
  };
  issue("first");
  etcd = await startEtcd({ namespace: host.namespace, tls: { ...files(server), caFile, clientCertAuth: true } });
  const { certFile, keyFile } = files(client);
  const env = {
    ETCD_ENDPOINTS: etcd.endpoint,
    ETCD_CA_CERT_FILE: caFile,
    ETCD_CERT_FILE: certFile,
    ETCD_KEY_FILE: keyFile,
  };
  const before = commandsWith(env);
  node = await startNode(
    host,
    before,
    ...["--etcd-endpoints", etcd.endpoint, "--etcd-ca-cert-file", caFile],
    ...["--etcd-cert-file", certFile, "--etcd-key-file", keyFile],
  );
  await expectWell(before, "one.a");
  await etcd.kill();
  issue("second");
  await etcd.start();
  // A command lives too short to see a change.
  await before.close();
  const after = commandsWith(env);
  await expectWell(after, "two.a");
  expect((await eventsOf(after)).map(({ kind }) => kind)).toEqual(expect.arrayContaining(["store-lost", "store-back"]));
});
