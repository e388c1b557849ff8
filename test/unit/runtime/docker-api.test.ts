import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { RequestListener, ServerResponse } from "node:http";
import { RuntimeUnavailable } from "../../../src/runtime/container.ts";
import { DockerApi, type DockerEvent } from "../../../src/runtime/docker-api.ts";
import { placesBelow } from "../../../src/runtime/places.ts";
import { dockerSocket, fakeHost, idOf, type FakeHost } from "./fakes.ts";

let host: FakeHost;
let stop: AbortController;
beforeEach(() => {
  host = fakeHost();
  stop = new AbortController();
});
afterEach(() => host.remove());

async function docker(listener?: RequestListener): Promise<DockerApi> {
  if (listener) await host.serveHttp(dockerSocket, listener);
  return new DockerApi(placesBelow(host.root), undefined, stop.signal);
}

const answering =
  (answers: Readonly<Record<string, unknown>>): RequestListener =>
  ({ url = "" }, response) => {
    const answer = answers[url];
    response.writeHead(answer === undefined ? 404 : 200);
    response.end(JSON.stringify(answer ?? { message: "no such" }));
  };

const event = (Action: string, ID = idOf("abc1")): DockerEvent => ({
  Type: "container",
  Action,
  Actor: { ID, Attributes: { name: "web" } },
});

describe("events", () => {
  /** Hears what a Docker says that is handed the response to its events, and how that ended. */
  async function hear(say: (response: ServerResponse) => void | Promise<void>): Promise<(DockerEvent | string)[]> {
    const heard: (DockerEvent | string)[] = [];
    const api = await docker(({ url = "" }, response) => {
      heard.push(decodeURIComponent(url));
      void say(response);
    });
    const end = await api
      .follow(
        () => void heard.push("open"),
        (one) => void heard.push(one),
      )
      .then(
        () => "ended",
        (error: unknown) => (error instanceof RuntimeUnavailable ? "unavailable" : "another error"),
      );
    return [...heard, end];
  }
  const ASKED = '/events?filters={"type":["container","network"]}';

  test("come one by one, in whatever pieces they arrive", async () => {
    const heard = await hear(async (response) => {
      const bytes = Buffer.from(`${JSON.stringify(event("stärt"))}\n\n${JSON.stringify(event("die"))}\n`);
      for (let at = 0; at < bytes.length; at += 7)
        await new Promise((resolve) => response.write(bytes.subarray(at, at + 7), resolve));
      response.end();
    });
    expect(heard).toEqual([ASKED, "open", event("stärt"), event("die"), "ended"]);
  });

  test("that are none are passed over, and newer facts are not", async () => {
    const odd = ["nonsense", "{}", "[]", "null", '{"Type":1}', JSON.stringify({ ...event("die"), scope: "local" })];
    const heard = await hear((response) => void response.end(`${odd.join("\n")}\n${JSON.stringify(event("start"))}`));
    expect(heard).toEqual([ASKED, "open", event("die"), "ended"]);
  });

  test("are refused by an answer that is an error", async () => {
    expect(await hear((response) => void response.writeHead(500).end("{}"))).toEqual([ASKED, "unavailable"]);
  });

  test("end when Docker is killed", async () => {
    const heard = await hear((response) => {
      response.write(`${JSON.stringify(event("start"))}\n`, () => response.destroy());
    });
    expect(heard).toEqual([ASKED, "open", event("start"), "unavailable"]);
  });

  test("end when nobody wants them any more", async () => {
    const api = await docker((_, response) => void response.write("\n"));
    const following = api.follow(
      () => stop.abort(),
      () => undefined,
    );
    await expect(following).rejects.toBeInstanceOf(RuntimeUnavailable);
  });

  test("there are none without Docker", async () => {
    const following = (await docker()).follow(
      () => undefined,
      () => undefined,
    );
    await expect(following).rejects.toMatchObject({ present: false });
  });
});

describe("lists and single objects", () => {
  const net = { Id: idOf("abc2"), Name: "net", Driver: "calico" };
  const Networks = { net: { NetworkID: net.Id, EndpointID: "", Aliases: null } };
  const listed = { Id: idOf("abc1"), State: "exited", NetworkSettings: { Networks } };
  const inspected = {
    ...{ Id: idOf("abc1"), Name: "/web", State: { Pid: 7 } },
    NetworkSettings: { SandboxKey: "/var/run/docker/netns/x", Networks },
  };

  test("are what Docker tells", async () => {
    const api = await docker(
      answering({
        "/containers/json?all=1": [listed, { Id: idOf("abc3"), State: "created" }],
        "/networks": [net],
        [`/networks/${net.Id}`]: net,
        [`/containers/${listed.Id}/json`]: inspected,
      }),
    );
    expect(await api.containers()).toEqual([listed, { Id: idOf("abc3"), State: "created" }]);
    expect(await api.networks()).toEqual([net]);
    expect(await api.network(net.Id)).toEqual(net);
    expect(await api.container(listed.Id)).toEqual(inspected);
    // Nothing that is asked for leads elsewhere.
    expect(await api.container("../networks")).toBeUndefined();
    expect(await api.network(idOf("abc9"))).toBeUndefined();
  });

  test.each([{}, [{ Id: "short", Name: "x", Driver: "calico" }], "text", [null]])(
    "that cannot be read are no list: %j",
    async (answer) => {
      const api = await docker(answering({ "/networks": answer }));
      await expect(api.networks()).rejects.toBeInstanceOf(RuntimeUnavailable);
    },
  );

  test("a list that is not there is no empty one", async () => {
    await expect((await docker(answering({}))).containers()).rejects.toBeInstanceOf(RuntimeUnavailable);
  });
});
