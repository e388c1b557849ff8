import { StoreClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";
import { GatewayOff, GatewayTransport } from "./gateway.ts";
import type { StoreOptions, StoreSettings } from "./options.ts";
import { validateStoreOptions } from "./options.ts";
import type { Store } from "./store.ts";
import type { Call, Transport } from "./transport.ts";
import type { RawTxnReply, TxnRequest } from "./wire.ts";

/**
 * The store behind `options`; nothing is sent before its first use. With a client certificate it speaks gRPC, because
 * the gateway of etcd takes no user from one; otherwise it uses the gateway, and gRPC where that is switched off.
 * UserError `usage` or `failure` for options that cannot work.
 */
export function connect(options: StoreOptions): Store {
  const settings = validateStoreOptions(options);
  return new StoreClient(new ChosenTransport(settings), settings);
}

/** gRPC is loaded when it is first needed and not before: it costs more than all else of a one-shot command. */
class ChosenTransport implements Transport {
  readonly #settings: StoreSettings;
  #gateway: GatewayTransport | undefined;
  #grpc: Promise<Transport> | undefined;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    if (settings.certFile === undefined) this.#gateway = new GatewayTransport(settings);
  }

  async txn(endpoint: Endpoint, request: TxnRequest, call: Call): Promise<RawTxnReply> {
    return this.#use(async (transport) => transport.txn(endpoint, request, call));
  }

  async authenticate(endpoint: Endpoint, name: string, password: string, call: Call): Promise<string | undefined> {
    return this.#use(async (transport) => transport.authenticate(endpoint, name, password, call));
  }

  close(): void {
    this.#gateway?.close();
    void this.#grpc?.then((transport) => transport.close());
  }

  async #use<T>(work: (transport: Transport) => Promise<T>): Promise<T> {
    const gateway = this.#gateway;
    if (gateway !== undefined) {
      try {
        return await work(gateway);
      } catch (error) {
        if (!(error instanceof GatewayOff)) throw error;
        gateway.close();
        this.#gateway = undefined;
      }
    }
    this.#grpc ??= import("./grpc.ts").then(({ GrpcTransport }) => new GrpcTransport(this.#settings));
    return work(await this.#grpc);
  }
}
