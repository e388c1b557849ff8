import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { listContainers } from "../../../src/runtime/list.ts";
import { dockerSocket, engine, fakeHost, idOf, podmanSocket } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
});
afterEach(() => host.remove());

const list = (timeoutMs = 5000) => listContainers({ root: host.root, dockerHost: "", timeoutMs });

test("lists what runs, by every runtime, each container once", async () => {
  const web = { id: idOf("a"), name: "web", pid: 101 };
  await host.serveHttp(dockerSocket, engine([web, { id: idOf("b"), name: "old", pid: 0 }]));
  await host.serveHttp(podmanSocket, engine([web, { id: idOf("c"), name: "db", pid: 102 }]));
  expect(await list()).toEqual([
    { runtime: "podman", id: idOf("a"), name: "web" },
    { runtime: "podman", id: idOf("c"), name: "db" },
  ]);
});

test("passes over runtimes that are not there, hang, or babble", async () => {
  expect(await list()).toEqual([]);
  await host.serve(dockerSocket, () => undefined);
  host.command("usr/bin/podman", "#!/bin/sh\necho hello\n");
  host.directory("run/libpod");
  expect(await list(50)).toEqual([]);
});

test("asks the podman command when there is no service", async () => {
  host.command("usr/bin/podman", `#!/bin/sh\necho '[{"Id":"${idOf("d")}","Names":["db"],"Pid":5}]'\n`);
  host.directory("run/libpod");
  expect(await list()).toEqual([{ runtime: "podman", id: idOf("d"), name: "db" }]);
});
