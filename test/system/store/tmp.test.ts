import { test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { startEtcd, enableAuth } from "../../helpers/etcd.ts";
import { StoreClient } from "../../../src/store/client.ts";
import { GrpcTransport } from "../../../src/store/grpc.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";
test("x", async () => {
  writeFileSync("/tmp/cnmt-pw", "secret", { mode: 0o600 });
  const out: string[] = [];
  for (let i = 0; i < 25; i++) {
    const e = await startEtcd({ env: { ETCD_AUTH_TOKEN_TTL: "1" } });
    await enableAuth(e, "secret");
    const set = validateStoreOptions({ endpoints: [e.endpoint], username: "root", passwordFile: "/tmp/cnmt-pw" });
    const t = new GrpcTransport(set); const log: string[] = [];
    const wrap = (n: "txn" | "authenticate") => { const o = (t as any)[n].bind(t); (t as any)[n] = async (...a: any[]) => { const b = Date.now(); try { const r = await o(...a); log.push(`${n} ok ${Date.now()-b} ${n==="authenticate"?r:JSON.stringify(a[2].token)}`); return r; } catch (x: any) { log.push(`${n} ${Date.now()-b} ${x.kind} ${x.message} ${a[2].token}`); throw x; } }; };
    wrap("txn"); wrap("authenticate");
    const s = new StoreClient(t, set);
    await s.commit({ guards: [], writes: [{ put: "/a", value: "" }] });
    await e.kill(); await e.start(); log.push("restarted");
    const b = Date.now();
    await s.commit({ guards: [], writes: [{ put: "/a", value: "" }] }).catch((x) => log.push("FAIL"));
    if (Date.now() - b > 2000) out.push(log.join("\n"));
    await s.close(); await e.stop();
  }
  console.log(out.join("\n----\n"));
}, 150000);
