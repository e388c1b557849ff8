import { afterAll, beforeAll } from "@jest/globals";
import { connectNode } from "../../../src/store/connect-node.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { startEtcd } from "../../helpers/etcd.ts";
import { watchContract } from "./watch-contract.ts";

let etcd: Etcd;
beforeAll(async () => void (etcd = await startEtcd()));
afterAll(async () => etcd.stop());

watchContract("the watcher of etcd", async () => connectNode({ endpoints: [etcd.endpoint] }));
