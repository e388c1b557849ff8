import { FakeStore } from "../../../src/store/fake.ts";
import { storeContract } from "../../system/store/contract.ts";

storeContract("FakeStore", async () => new FakeStore());
