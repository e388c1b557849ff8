import { afterAll, describe, expect, test } from "@jest/globals";
import { chmodSync, chownSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEndpoint, removeEndpoint, writeEndpoint } from "../../../../src/agent/etcd/endpoint-file.ts";

const folder = mkdtempSync(join(tmpdir(), "cnmt-endpoint-"));
const file = join(folder, "etcd-endpoint");
afterAll(() => rmSync(folder, { recursive: true }));

test("what is written is read, until it is removed", () => {
  expect(readEndpoint(folder)).toBeUndefined();
  writeEndpoint(folder, "http://127.0.0.1:2379");
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readEndpoint(folder)).toBe("http://127.0.0.1:2379");
  removeEndpoint(folder, "http://127.0.0.1:12379");
  expect(readEndpoint(folder)).toBe("http://127.0.0.1:2379");
  removeEndpoint(folder, "http://127.0.0.1:2379");
  removeEndpoint(folder, "http://127.0.0.1:2379");
  expect(readEndpoint(folder)).toBeUndefined();
});

describe("is not believed", () => {
  test.each([
    ["when its group may write it", () => chmodSync(file, 0o664)],
    ["when everybody may", () => chmodSync(file, 0o646)],
    ["when it is another user's", () => chownSync(file, 65534, 0)],
    ["when it names another host", () => writeFileSync(file, "http://192.0.2.1:2379\n")],
    ["when it names several", () => writeFileSync(file, "http://127.0.0.1:1,http://192.0.2.1:2379\n")],
    ["when it is empty", () => writeFileSync(file, "")],
    [
      "when it is a link",
      () => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
    ],
  ])("%s", (_, spoil) => {
    rmSync(file, { force: true });
    writeEndpoint(folder, "http://127.0.0.1:2379");
    spoil();
    expect(readEndpoint(folder)).toBeUndefined();
  });
});
