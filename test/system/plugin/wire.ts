/** A host whose node is a plugin of Docker's, and a Docker's end of the wire without a Docker. */
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { join } from "node:path";
import { makeHost, type Host } from "../../helpers/host.ts";
import { PluginNode } from "../../helpers/node.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";

export type Message = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  /** Empty when it is no JSON object. */
  readonly body: Message;
}

export interface Wire {
  readonly host: Host;
  readonly resident: Resident;
  /** Where the node makes its sockets. */
  readonly directory: string;
  readonly socket: { readonly network: string; readonly ipam: string };
  /** Of the node that runs. */
  pid(): number;
  /** Starts the node, and waits until it is ready. */
  startNode(): Promise<void>;
  /** Ends it by a signal, and waits for its end. */
  endNode(signal: NodeJS.Signals): Promise<void>;
  /** Calls `Type.Method` at the socket of its type; throws when it is refused. */
  call(method: string, message?: Message): Promise<Message>;
  /** The same, whatever comes of it. */
  ask(method: string, message?: Message): Promise<Answer>;
  /** What Docker's end is told when it is refused; throws when it is not. */
  refusal(method: string, message?: Message): Promise<string>;
  /** Remembers what there is in the store and the kernel. */
  remember(): Promise<void>;
  /**
   * Throws unless all is as it was remembered, and right; of the store, but for nodes, and the blocks of the default pools
   * that the node keeps.
   */
  mustBeAsRemembered(): Promise<void>;
  close(): Promise<void>;
}

export const newId = (): string => randomBytes(32).toString("hex");

/** Close it in `afterAll`. The node is not started yet. */
export async function makeWire(): Promise<Wire> {
  const host = await makeHost();
  const resident = startResident(host);
  const directory = join(host.folder, "plugins");
  const socket = { network: join(directory, "calico.sock"), ipam: join(directory, "calico-ipam.sock") };
  const known = { store: [] as string[], kernel: [] as string[], isTouched: false };
  const node = new PluginNode(host, resident, {
    directory,
    dockerHost: `unix://${join(host.folder, "no-docker.sock")}`,
  });
  const ask = (method: string, message?: Message): Promise<Answer> => {
    known.isTouched ||= method === "NetworkDriver.Join";
    const path = method.startsWith("IpamDriver.") ? socket.ipam : socket.network;
    return post(path, `/${method}`, JSON.stringify(message) ?? "");
  };
  return {
    ...{ host, resident, directory, socket, ask },
    pid: () => node.pid,
    startNode: () => node.start(),
    endNode: (signal) => node.end(signal),
    async call(method, message) {
      const { status, body } = await ask(method, message);
      if (status !== 200) throw new Error(`${method}: ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    async refusal(method, message) {
      const { status, body } = await ask(method, message);
      // Network drivers are told by the first, IPAM drivers by the second.
      if (status === 200 || typeof body["Err"] !== "string" || body["Err"] !== body["Error"])
        throw new Error(`${method} is not refused: ${status}: ${JSON.stringify(body)}`);
      return body["Err"];
    },
    async remember() {
      known.store = await objects(host);
      known.kernel = (await host.snapshot()).split("\n");
    },
    async mustBeAsRemembered() {
      mustBeSame(known.store, await objects(host));
      await resident.must("check");
      // Nothing else writes to the kernel, and the whole of it takes a while to be told.
      if (!known.isTouched) return;
      known.isTouched = false;
      mustBeSame(known.kernel, (await host.snapshot()).split("\n"));
    },
    async close() {
      await node.end("SIGTERM");
      await resident.close();
      await host.close();
    },
  };
}

async function objects(host: Host): Promise<string[]> {
  const keys = [...(await storeKeys(host)).keys()];
  return keys.filter((key) => !/\/v1\/(nodes|nodes-alive|ipam\/(blocks|cursors)\/(4\/c0a8|6\/fd8024e2))/.test(key));
}

function mustBeSame(before: readonly string[], after: readonly string[]): void {
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const left = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  if (gone.length + left.length > 0) throw new Error(`not as before:\n${[...gone, ...left].join("\n")}`);
}

/** A request as Docker sends it: without a type of content. */
export const post = (socketPath: string, path: string, body: string | Buffer, method = "POST"): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { accept: "application/vnd.docker.plugins.v1.2+json", host: "plugin" };
    const sent = request({ socketPath, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: objectIn(Buffer.concat(chunks).toString()) }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });

function objectIn(text: string): Message {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Message) : {};
  } catch {
    return {};
  }
}
