import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createLink, renameLink } from "../../../src/dataplane/netlink/link.ts";
import { listSysctls, readSysctl, writeSysctl } from "../../../src/dataplane/sysctl.ts";
import { linkOf, makeTestbed } from "./netlink/testbed.ts";
import type { Testbed } from "./netlink/testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

test("a setting is of the namespace that it is read and written in", () => {
  const [host, container] = [bed.host.namespace, bed.container.namespace];
  const path = ["ipv4", "conf", "lo", "proxy_arp"];
  expect(readSysctl(path, container)).toBe("0");
  writeSysctl(path, "1", container);
  expect(readSysctl(path, container)).toBe("1");
  expect(readSysctl(path, host)).toBe("0");
});

test("an interface with dots in its name has settings of its own", () => {
  bed.host.socket.executeAll([createLink("bridge", "b0")]);
  bed.host.socket.executeAll([renameLink(linkOf(bed.host, "b0").index, "web.0")]);
  const path = ["ipv6", "conf", "web.0", "disable_ipv6"];
  writeSysctl(path, "1", bed.host.namespace);
  expect(readSysctl(path, bed.host.namespace)).toBe("1");
  expect(listSysctls(["ipv6", "conf"], bed.host.namespace)).toEqual(expect.arrayContaining(["all", "lo", "web.0"]));
});

test("what does not exist reads as undefined, lists as nothing, and cannot be written", () => {
  const { namespace } = bed.host;
  expect(readSysctl(["ipv4", "conf", "none", "proxy_arp"], namespace)).toBeUndefined();
  expect(listSysctls(["ipv9"], namespace)).toEqual([]);
  expect(() => writeSysctl(["ipv4", "conf", "none", "proxy_arp"], "1", namespace)).toThrow(
    expect.objectContaining({
      name: "UserError",
      message: expect.stringMatching(/^cannot set \/proc\/sys\/net\/ipv4\/conf\/none\/proxy_arp to 1: ENOENT/),
    }),
  );
});

test("a value that the kernel does not take is an error in words", () => {
  expect(() => writeSysctl(["ipv4", "conf", "lo", "proxy_arp"], "maybe", bed.host.namespace)).toThrow(
    /^cannot set .* to maybe: EINVAL/,
  );
});

test.each([["..", "kernel"], ["ipv4/../../kernel", "hostname"], ["."], [""], ["ipv4", "a b"]])(
  "a path cannot leave the settings of networks: %s %s",
  (...path) => {
    expect(() => readSysctl(path)).toThrow("not a part of a setting's path");
  },
);
