import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { StoreClient } from "../../../src/store/client.ts";
import { GatewayTransport } from "../../../src/store/gateway.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";
import type { Store } from "../../../src/store/store.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A store whose endpoint is not etcd, but answers every request with this. */
async function answering(status: number, body: string): Promise<Store> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status).end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoints = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  const settings = validateStoreOptions({ endpoints, timeoutMs: 100 });
  return new StoreClient(new GatewayTransport(settings), settings);
}

test.each([
  [502, "<html>Bad Gateway</html>"],
  [200, "<html>Welcome</html>"],
  [200, "null"],
  [500, '{"message":"etcdserver: no code"}'],
])("tells HTTP %i with %j from an answer of etcd", async (status, body) => {
  const store = await answering(status, body);
  await expect(store.read([])).rejects.toMatchObject({
    code: "store-unreachable",
    message: expect.stringContaining(`answered HTTP ${status}, not as etcd does`),
  });
  await store.close();
});

test("tries again on what etcd says while it has no leader", async () => {
  const store = await answering(503, '{"code":14,"message":"etcdserver: no leader"}');
  await expect(store.read([])).rejects.toMatchObject({
    code: "store-unreachable",
    message: expect.stringContaining("(no leader)"),
  });
  await store.close();
});

test("silence is told with the whole time that was given", async () => {
  const server = createServer(() => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = validateStoreOptions({ endpoints: [endpoint], timeoutMs: 200 });
  const store = new StoreClient(new GatewayTransport(settings), settings);
  const refused = await store.read([]).catch((error: Error) => error.message);
  expect(refused).toMatch(new RegExp(`^etcd cannot be reached: ${endpoint} \\(no answer within \\S+ s\\)$`));
  await store.close();
});

test("a refusal that it does not know is told in etcd's words", async () => {
  const store = await answering(400, '{"code":3,"message":"etcdserver: something new"}');
  await expect(store.read([])).rejects.toMatchObject({ code: "failure", message: "etcd refused: something new" });
  await store.close();
});
