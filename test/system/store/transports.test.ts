import { afterAll, beforeAll } from "@jest/globals";
import type { Etcd } from "../../helpers/etcd.ts";
import { startEtcd } from "../../helpers/etcd.ts";
import { storeContract } from "./contract.ts";
import { transports } from "./transports.ts";

let etcd: Etcd;
beforeAll(async () => void (etcd = await startEtcd()));
afterAll(async () => etcd.stop());

for (const [name, open] of transports) {
  storeContract(`the ${name} transport`, async () => open({ endpoints: [etcd.endpoint] }));
}
