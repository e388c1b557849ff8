import { describe, expect, test } from "@jest/globals";
import { parseEndpoint } from "../../../src/store/endpoint.ts";

describe("parseEndpoint", () => {
  test.each([
    ["http://etcd:2379", false, { url: "http://etcd:2379", secure: false, host: "etcd", port: 2379 }],
    ["https://10.0.0.1:1234/", false, { url: "https://10.0.0.1:1234", secure: true, host: "10.0.0.1", port: 1234 }],
    ["HTTP://etcd", true, { url: "http://etcd:2379", secure: false, host: "etcd", port: 2379 }],
    ["etcd.example:99", false, { url: "http://etcd.example:99", secure: false, host: "etcd.example", port: 99 }],
    ["etcd:99", true, { url: "https://etcd:99", secure: true, host: "etcd", port: 99 }],
    ["[::1]:2379", false, { url: "http://[::1]:2379", secure: false, host: "::1", port: 2379 }],
    [
      "unix:///run/etcd.sock",
      false,
      { url: "unix:///run/etcd.sock", secure: false, host: "localhost", port: 0, socketPath: "/run/etcd.sock" },
    ],
  ])("reads %s", (text, secure, expected) => {
    expect(parseEndpoint(text, secure)).toEqual(expected);
  });

  test.each([
    "",
    " ",
    "ftp://etcd:1",
    "http://",
    "http://etcd:0",
    "http://etcd:65536",
    "http://etcd:x",
    "http://user:secret@etcd:1",
    "http://etcd:1/path",
    "http://etcd:1?q",
    "etcd:1,etcd:2",
    "http://et cd:1",
    "http://etcd:1\nX: y",
    "$(id):1",
    "unix://relative",
    "unix:///a\0b",
    "::1",
    "-etcd:-1",
  ])("refuses %j", (text) => {
    expect(() => parseEndpoint(text, false)).toThrow(
      expect.objectContaining({ code: "usage", message: `${JSON.stringify(text)} is not an etcd endpoint` }),
    );
  });
});
