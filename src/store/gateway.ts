import * as http from "node:http";
import { connectionFailure } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StoreSettings } from "./options.ts";
import { isAuthOff, refusal } from "./refusal.ts";
import type { Call, Transport } from "./transport.ts";
import { SILENCE, TryFailure } from "./transport.ts";
import type { RawTxnReply, TxnRequest } from "./wire.ts";

/** The server answers HTTP but has its gateway switched off (`--enable-grpc-gateway=false`). */
export class GatewayOff extends Error {}

interface Client {
  request: typeof http.request;
  agent: http.Agent;
}

interface Answer {
  status: number;
  body: string;
}

/** Etcd's gRPC calls as JSON over HTTP/1.1, for one-shot commands: it loads in a quarter of gRPC's time. */
export class GatewayTransport implements Transport {
  readonly #settings: StoreSettings;
  readonly #http: Client = { request: http.request, agent: new http.Agent({ keepAlive: true }) };
  #https: Client | undefined;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  async txn(endpoint: Endpoint, request: TxnRequest, call: Call): Promise<RawTxnReply> {
    return this.#call(endpoint, "/v3/kv/txn", request, call) as Promise<RawTxnReply>;
  }

  async authenticate(endpoint: Endpoint, name: string, password: string, call: Call): Promise<string | undefined> {
    try {
      const reply = await this.#call(endpoint, "/v3/auth/authenticate", { name, password }, call);
      return (reply as { token?: string }).token;
    } catch (error) {
      if (error instanceof Error && isAuthOff(error.message)) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#http.agent.destroy();
    this.#forgetCertificates();
  }

  async #call(endpoint: Endpoint, path: string, message: object, call: Call): Promise<unknown> {
    const { status, body } = await this.#post(endpoint, path, JSON.stringify(message), call);
    const reply = parseObject(body);
    if (status === 200 && reply !== undefined) return reply;
    const { code, message: text } = (reply ?? {}) as { code?: unknown; message?: unknown };
    if (typeof code === "number" && typeof text === "string") throw refusal(code, text);
    if (status === 404) throw new GatewayOff(`${endpoint.url} has no gateway`);
    if (status === 400 && body.includes("HTTPS server")) throw new TryFailure("untrusted", body.trim());
    throw new TryFailure("unknown", `answered HTTP ${status}, not as etcd does`);
  }

  async #post(endpoint: Endpoint, path: string, body: string, call: Call): Promise<Answer> {
    const { host, port, socketPath } = endpoint;
    const client = endpoint.secure ? (this.#https ??= await this.#secureClient()) : this.#http;
    const options: http.RequestOptions = {
      agent: client.agent,
      method: "POST",
      path,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(call.token === undefined ? {} : { authorization: call.token }),
      },
      ...(socketPath === undefined ? { host, port } : { socketPath }),
    };
    try {
      return await send(client.request(options), body, call.timeoutMs);
    } catch (error) {
      if (error instanceof TryFailure && error.kind === "untrusted") this.#forgetCertificates();
      throw error;
    }
  }

  async #secureClient(): Promise<Client> {
    const [https, { readTls }] = await Promise.all([import("node:https"), import("./tls.ts")]);
    return { request: https.request, agent: new https.Agent({ keepAlive: true, ...readTls(this.#settings) }) };
  }

  /** They may have been rotated: the next call reads the files anew. */
  #forgetCertificates(): void {
    this.#https?.agent.destroy();
    this.#https = undefined;
  }
}

async function send(request: http.ClientRequest, body: string, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const timer = setTimeout(() => request.destroy(new Error(SILENCE)), timeoutMs);
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      reject(connectionFailure(`${error.code ?? ""} ${error.message}`.trimStart(), connected, error));
    };
    request.on("error", fail);
    request.on("socket", (socket) => {
      if (request.reusedSocket) connected = true;
      else socket.once("encrypted" in socket ? "secureConnect" : "connect", () => (connected = true));
    });
    request.on("response", (response) => {
      const parts: Buffer[] = [];
      response.on("error", fail);
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString("utf8") });
      });
    });
    request.end(body);
  });
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
