import { describe, expect, test } from "@jest/globals";
import { valueWithoutSecrets, withoutSecrets } from "../../../../src/agent/diags/secrets.ts";

describe("secrets in text", () => {
  test.each([
    ["https://user:hunter2@host:2379/x", "https://(removed)@host:2379/x"],
    ["tcp://token@192.0.2.1:2375", "tcp://(removed)@192.0.2.1:2375"],
    ['{"endpoint":"http://a:b@c"}', '{"endpoint":"http://(removed)@c"}'],
    ["Authorization: Bearer abc.def", "Authorization: (removed)"],
    ['"authorization":"Basic Zm9v"', '"authorization":"(removed)"'],
    ["ETCD_PASSWORD=hunter2 next", "ETCD_PASSWORD=(removed) next"],
    ['{"password":"hunter2"}', '{"password":"(removed)"}'],
    ["-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\nrest", "(removed)\nrest"],
    ["http://127.0.0.1:2379 is fine, so is a@b", "http://127.0.0.1:2379 is fine, so is a@b"],
  ])("%j", (text, clean) => {
    expect(withoutSecrets(text)).toBe(clean);
  });
});

test("secrets in values go by their names, at any depth; what only points to one stays", () => {
  expect(
    valueWithoutSecrets({
      labels: { "db.password": "x", API_KEY: "y", tier: "web", empty_token: "" },
      list: [{ secret: { a: 1 } }, "https://u:p@h"],
      passwordFile: "/etc/pw",
      namespace: { cookie: "42" },
      port: 1,
      nothing: null,
    }),
  ).toEqual({
    labels: { "db.password": "(removed)", API_KEY: "(removed)", tier: "web", empty_token: "" },
    list: [{ secret: "(removed)" }, "https://(removed)@h"],
    passwordFile: "/etc/pw",
    namespace: { cookie: "42" },
    port: 1,
    nothing: null,
  });
});
