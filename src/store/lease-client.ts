import { authenticate } from "./authenticate.ts";
import { StoreClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failover } from "./failover.ts";
import type { StoreSettings } from "./options.ts";
import type { Store } from "./store.ts";
import type { Call, Transport } from "./transport.ts";
import { TryFailure } from "./transport.ts";

/** The calls that leases are made of; see grpc.ts. */
export interface LeaseTransport extends Transport {
  grantLease(endpoint: Endpoint, ttlSeconds: number, call: Call): Promise<string>;
  keepLease(endpoint: Endpoint, id: string, call: Call): Promise<boolean>;
  revokeLease(endpoint: Endpoint, id: string, call: Call): Promise<void>;
}

/** Leases over every endpoint. Errors as those of a Store. */
export class LeaseClient {
  /** Over the same connections, and with the same patience. Not to be closed. */
  readonly store: Store;
  readonly #transport: LeaseTransport;
  readonly #settings: StoreSettings;
  readonly #failover: Failover;
  #token: Promise<string | undefined> | undefined;

  constructor(transport: LeaseTransport, settings: StoreSettings) {
    this.#transport = transport;
    this.#settings = settings;
    this.#failover = new Failover(settings);
    this.store = new StoreClient(transport, settings);
  }

  /** Answers the id of a new lease. One that was granted without an answer ends by itself. */
  async grant(ttlSeconds: number): Promise<string> {
    return this.#call(async (endpoint, call) => this.#transport.grantLease(endpoint, ttlSeconds, call));
  }

  /** Begins its time anew; answers whether it was still there. */
  async keep(id: string): Promise<boolean> {
    return this.#call(async (endpoint, call) => this.#transport.keepLease(endpoint, id, call));
  }

  /** Ends it, and with it the keys that are on it. */
  async revoke(id: string): Promise<void> {
    await this.#call(async (endpoint, call) => this.#transport.revokeLease(endpoint, id, call));
  }

  async #call<T>(work: (endpoint: Endpoint, call: Call) => Promise<T>): Promise<T> {
    return this.#failover.run(async (endpoint, timeoutMs) => {
      const asked = (this.#token ??= authenticate(this.#transport, this.#settings, endpoint, timeoutMs));
      const token = await asked.catch((error: unknown) => {
        // A password that is refused today may be right tomorrow.
        if (this.#token === asked) this.#token = undefined;
        throw error;
      });
      try {
        return await work(endpoint, { timeoutMs, ...(token === undefined ? {} : { token }) });
      } catch (error) {
        // Failover tries again, with a new token.
        if (error instanceof TryFailure) this.#token = undefined;
        throw error;
      }
    });
  }
}
