import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { fakeHost, idOf, refusal } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
  host.process(101);
});
afterEach(() => host.remove());

const resolve = (text: string, timeoutMs = 5000) =>
  resolveContainer(text, { root: host.root, dockerHost: "", timeoutMs });

const found = JSON.stringify([{ Id: idOf("abc"), Name: "web", State: { Running: true, Pid: 101 } }]);
const inspecting = `#!/bin/sh
[ "$*" = "container inspect --format json web" ] && echo '${found}' && exit 0
echo 'Error: inspecting object: no such container' >&2
exit 125
`;

describe("the podman command", () => {
  test("is asked when there is no service", async () => {
    host.command("usr/bin/podman", inspecting);
    expect(await resolve("podman:web")).toMatchObject({ runtime: "podman", id: idOf("abc"), name: "web", pid: 101 });
    expect((await refusal(resolve("podman:nosuch"))).code).toBe("not-found");
  });

  test("is left alone, unless it is named or in use", async () => {
    host.command("usr/local/bin/podman", inspecting);
    expect((await refusal(resolve("web"))).code).toBe("not-found");
    host.directory("run/libpod");
    expect((await resolve("web")).pid).toBe(101);
  });

  test.each([
    ["fails", "#!/bin/sh\necho 'Error: no space left' >&2\nexit 125\n", "refuses: Error: no space left"],
    ["babbles", "#!/bin/sh\necho hello\n", "does not answer in JSON"],
    ["tells something else", "#!/bin/sh\necho '[{}]'\n", "as a container API does"],
    ["cannot be run", "#!/no/such/interpreter\n", "refuses"],
  ])("that %s", async (_, script, message) => {
    host.command("usr/bin/podman", script);
    const refused = await refusal(resolve("podman:web"));
    expect(refused.code).toBe("failure");
    expect(refused.message).toContain(message);
  });

  test("that hangs", async () => {
    host.command("usr/bin/podman", "#!/bin/sh\ntrap '' TERM\nexec sleep 60\n");
    expect((await refusal(resolve("podman:web", 100))).message).toContain("did not answer within 0.1 s");
  });

  test("that knows several", async () => {
    host.command("usr/bin/podman", "#!/bin/sh\necho 'Error: more than one result for container ID a' >&2\nexit 125\n");
    expect(await refusal(resolve("podman:a"))).toMatchObject({ code: "conflict", hint: "give more of the id" });
  });
});
