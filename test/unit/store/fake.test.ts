import { FakeStore } from "../../../src/store/fake.ts";
import { storeContract } from "../../system/store/contract.ts";
import { watchContract } from "../../system/store/watch-contract.ts";

storeContract("FakeStore", async () => new FakeStore());

watchContract("FakeStore", async () => {
  const store = new FakeStore();
  return { store, watches: store.watches, close: async () => store.watches.close() };
});
