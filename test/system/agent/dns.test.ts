/** Containers reach each other by name, without a word about it inside them. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exec, type Container } from "../../helpers/container.ts";
import { NOBODY, ask, resolvConf, startResolver } from "../../helpers/dns.ts";
import { INTERNET, makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, run, until, type Running } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

const NEXT_HOP = "169.254.1.1";

let host: Host;
let resident: Resident;
let node: NodeProcess;
let resolver: Running;
let file: Awaited<ReturnType<typeof resolvConf>>;
/** On network a; on a and b; on b and inner; on inner alone. */
let one: Container;
let two: Container;
let three: Container;
let four: Container;
let web: Attached;
let dba: Attached;
let dbb: Attached;
let cache: Attached;
let store: Attached;

beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  file = await resolvConf(host);
  await file.write(`nameserver ${NEXT_HOP}\nnameserver ${INTERNET.address}\n`);
  resolver = await startResolver(host);
  node = await startNode(host, resident);
  [one, two, three, four] = await Promise.all([1, 2, 3, 4].map(() => host.container())) as [
    Container,
    Container,
    Container,
    Container,
  ];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "b");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "--internal", "inner");
  web = await attachNew(resident, one, "web.a", "--alias", "Front");
  dba = await attachNew(resident, two, "db.a", "--alias", "front");
  dbb = await attachNew(resident, two, "db.b");
  cache = await attachNew(resident, three, "cache.b");
  store = await attachNew(resident, three, "store.inner");
  await attachNew(resident, four, "alone.inner");
});
afterAll(async () => {
  await node?.stop();
  resolver?.kill();
  await resolver?.ended;
  await file?.remove();
  await resident?.close();
  await host?.close();
});

const found = (...data: (string | undefined)[]): unknown => ({ rcode: "NOERROR", data, truncated: false, own: true });
const nothing = (rcode: string, own: boolean): unknown => ({ rcode, data: [], truncated: false, own });

describe("a container finds", () => {
  test("the services of its networks by their names, in any spelling, by UDP and TCP", async () => {
    expect(await ask(one, "A", "db")).toEqual(found(dba.ip));
    expect(await ask(one, "A", "DB.a")).toEqual(found(dba.ip));
    expect(await ask(one, "A", "db.A.calico", { by: "tcp" })).toEqual(found(dba.ip));
    expect(await ask(one, "A", "web")).toEqual(found(web.ip));
    expect(await ask(one, "A", "db", { server: NEXT_HOP })).toEqual(found(dba.ip));
  });

  test("addresses of both families, and that a name has nothing of a type", async () => {
    expect(await ask(one, "AAAA", "db")).toEqual(found(dba.ip6));
    expect(await ask(two, "AAAA", "cache")).toEqual(nothing("NOERROR", true));
    expect(await ask(one, "MX", "db")).toEqual(nothing("NOERROR", true));
  });

  test("all who share an alias", async () => {
    const reply = await ask(one, "A", "front");
    expect(reply?.data.toSorted()).toEqual([web.ip, dba.ip].toSorted());
  });

  test("names of addresses", async () => {
    const [a, b, c, d] = dba.ip.split(".");
    expect(await ask(one, "PTR", `${d}.${c}.${b}.${a}.in-addr.arpa`)).toEqual(found("db.a"));
    const digits = "0".repeat(32 - 8).split("");
    const [, last = ""] = (dba.ip6 ?? "").split("::");
    const six = [...last.padStart(8, "0")].toReversed().concat(digits.slice(8)).join(".");
    expect(await ask(one, "PTR", `${six}.1.0.0.0.0.0.d.f.ip6.arpa`.replace("1.0.0.0.0.0.d.f", "1.0.0.0.0.0.d.f"))).toEqual(
      found("db.a"),
    );
  });

  test("by what its image has: busybox", async () => {
    const { stdout } = await exec(one, ["busybox", "nslookup", "db.a", NOBODY]);
    expect(stdout).toContain(dba.ip);
    expect(stdout).toContain(dba.ip6);
  });
});
