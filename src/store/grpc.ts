import { isIP } from "node:net";
import type { CallOptions, Interceptor } from "@grpc/grpc-js";
import { Etcd3 } from "etcd3";
import type { IOptions } from "etcd3";
import { connectionFailure } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StoreSettings } from "./options.ts";
import { isAuthOff, refusal } from "./refusal.ts";
import { readTls } from "./tls.ts";
import type { Call, Transport } from "./transport.ts";
import { SILENCE, TryFailure } from "./transport.ts";
import type { WatchCall, WatchHearer } from "./watch-stream.ts";
import type { RawTxnReply, TxnRequest } from "./wire.ts";

type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

/** etcd3's own retries send a write twice and its host breaker blinds it for seconds; failover.ts does both better. */
const ONCE = { execute: async (work: () => unknown) => work() } as unknown as Policy;

/** Etcd's gRPC calls through the etcd3 package: one client an endpoint, so that failover decides whom to ask. */
export class GrpcTransport implements Transport {
  readonly #settings: StoreSettings;
  readonly #clients = new Map<Endpoint, Etcd3>();

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    // grpc-js gives an address as TLS server name, of which Node warns (DEP0123); that is nothing to tell a user.
    if (settings.endpoints.some(({ secure, host }) => secure && isIP(host) !== 0)) process.noDeprecation = true;
  }

  async txn(endpoint: Endpoint, request: TxnRequest, call: Call): Promise<RawTxnReply> {
    const kv = this.#client(endpoint).kv;
    const message = request as unknown as Parameters<typeof kv.txn>[0];
    return this.#once(endpoint, async () => kv.txn(message, callOptions(call)) as unknown as Promise<RawTxnReply>);
  }

  async authenticate(endpoint: Endpoint, name: string, password: string, call: Call): Promise<string | undefined> {
    try {
      const auth = this.#client(endpoint).auth;
      return (await this.#once(endpoint, async () => auth.authenticate({ name, password }, callOptions(call)))).token;
    } catch (error) {
      if (error instanceof Error && isAuthOff(error.message)) return undefined;
      throw error;
    }
  }

  /** See {@link WatchTransport}. A member that loses its leader ends the stream instead of falling silent. */
  async watch(endpoint: Endpoint, token: string | undefined, heard: WatchHearer): Promise<WatchCall> {
    const interceptors = [withMetadata({ hasleader: "true", ...(token === undefined ? {} : { token }) })];
    const stream = await this.#client(endpoint).watchClient.watch({ interceptors });
    let open = true;
    const end = (error: unknown): void => {
      if (!open) return;
      open = false;
      stream.cancel();
      this.#drop(endpoint);
      heard.ended(error);
    };
    stream.on("data", (reply) => open && heard.replied(reply));
    stream.on("error", (error) => end(meaning(error)));
    stream.on("end", () => end(new TryFailure("unknown", "etcd ended the watch")));
    return {
      send: (request) => open && stream.write(request as unknown as Parameters<typeof stream.write>[0]),
      close: () => {
        open = false;
        stream.cancel();
      },
    };
  }

  /** Answers the id of a lease that ends `ttlSeconds` after it was last kept. */
  async grantLease(endpoint: Endpoint, ttlSeconds: number, call: Call): Promise<string> {
    const leases = this.#client(endpoint).leaseClient;
    return this.#once(endpoint, async () => (await leases.leaseGrant({ TTL: ttlSeconds }, callOptions(call))).ID);
  }

  /** Answers whether the lease was still there. */
  async keepLease(endpoint: Endpoint, id: string, call: Call): Promise<boolean> {
    const leases = this.#client(endpoint).leaseClient;
    return this.#once(endpoint, async () => {
      const stream = await leases.leaseKeepAlive(callOptions(call));
      try {
        return await new Promise<boolean>((resolve, reject) => {
          stream.on("data", (reply) => resolve(Number(reply.TTL) > 0));
          stream.on("error", reject);
          stream.on("end", () => reject(new TryFailure("unknown", "etcd ended the call")));
          stream.write({ ID: id });
        });
      } finally {
        stream.cancel();
      }
    });
  }

  /** Deletes the keys on the lease with it; one that has ended is refused as not found. */
  async revokeLease(endpoint: Endpoint, id: string, call: Call): Promise<void> {
    const leases = this.#client(endpoint).leaseClient;
    await this.#once(endpoint, async () => leases.leaseRevoke({ ID: id }, callOptions(call)));
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #once<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const meant = meaning(error);
      // A new client reads the certificates anew, and does not wait out the old one's reconnect back-off.
      if (meant instanceof TryFailure && meant.kind !== "token" && meant.kind !== "revision") this.#drop(endpoint);
      throw meant;
    }
  }

  #client(endpoint: Endpoint): Etcd3 {
    const known = this.#clients.get(endpoint);
    if (known !== undefined) return known;
    const client = new Etcd3(clientOptions(endpoint, this.#settings));
    this.#clients.set(endpoint, client);
    return client;
  }

  #drop(endpoint: Endpoint): void {
    this.#clients.get(endpoint)?.close();
    this.#clients.delete(endpoint);
  }
}

function clientOptions(endpoint: Endpoint, settings: StoreSettings): IOptions {
  return {
    hosts: endpoint.socketPath === undefined ? endpoint.url : `unix:${endpoint.socketPath}`,
    ...(endpoint.secure ? { credentials: credentials(settings) } : {}),
    faultHandling: { global: ONCE, host: () => ONCE },
    grpcOptions: {
      // Notices a frozen server; the proxy of the environment is not for etcd.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 3000,
      "grpc.enable_http_proxy": 0,
      "grpc.max_receive_message_length": -1,
    },
  };
}

type Credentials = NonNullable<IOptions["credentials"]>;

function credentials(settings: StoreSettings): Credentials {
  const { ca, cert, key } = readTls(settings);
  return {
    // Without a CA of its own, gRPC takes the system's, as the types do not tell.
    ...({ rootCertificate: ca ?? null } as unknown as Pick<Credentials, "rootCertificate">),
    ...(key === undefined ? {} : { privateKey: key }),
    ...(cert === undefined ? {} : { certChain: cert }),
  };
}

function callOptions({ timeoutMs, token }: Call): CallOptions {
  const deadline = Date.now() + timeoutMs;
  return token === undefined ? { deadline } : { deadline, interceptors: [withMetadata({ token })] };
}

/** Etcd takes the token from the call's metadata. */
const withMetadata =
  (entries: Readonly<Record<string, string>>): Interceptor =>
  (options, nextCall) => {
    const call = nextCall(options);
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
      start(metadata, listener);
    };
    return call as unknown as ReturnType<Interceptor>;
  };

/** etcd3 drops the status code, but leaves it in the message: "14 UNAVAILABLE: why", also "Lease 5 NOT_FOUND: why". */
function meaning(error: unknown): unknown {
  const [, code, text] = /^(?:Lease )?(\d+) [A-Z_]+: (.*)$/s.exec(error instanceof Error ? error.message : "") ?? [];
  if (code === undefined || text === undefined) return error;
  // Its message names the peer once there was a connection to send by.
  if (code === "4") return new TryFailure(text.includes("remote_addr") ? "unknown" : "unsent", SILENCE, error);
  if (code === "14" && !text.includes("etcdserver:")) {
    const unconnected = /^No connection established\. Last error: (.*?)( \(\d{4}-.*\))?\. Resolution note/s.exec(
      text,
    )?.[1];
    if (unconnected === "null") return new TryFailure("unsent", SILENCE, error);
    const unresolved = text.startsWith("Name resolution failed");
    return connectionFailure(unconnected ?? text, unconnected === undefined && !unresolved, error);
  }
  return refusal(Number(code), text, error);
}
