import { expect, test } from "@jest/globals";
import { reasonIn } from "../../../../src/agent/etcd/reason.ts";

const warning = `{"level":"warn","msg":"simple token is not cryptographically signed"}`;

test.each([
  [
    [warning, `{"level":"fatal","msg":"discovery failed","error":"wal: max entry size limit exceeded"}`, warning],
    "discovery failed: wal: max entry size limit exceeded",
  ],
  [[`{"level":"panic","msg":"failed to open database"}`, "panic: failed", "goroutine 1"], "failed to open database"],
  [["panic: freepages: failed", "", "goroutine 1 [running]:"], "panic: freepages: failed"],
  [["unexpected fault address 0x7f", "fatal error: fault"], "unexpected fault address 0x7f"],
  [[warning, "{broken"], "it gave no reason"],
  [[], "it gave no reason"],
])("%j", (lines, reason) => {
  expect(reasonIn(lines)).toBe(reason);
});
