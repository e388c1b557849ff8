import { StoreClient } from "../../../src/store/client.ts";
import { GatewayTransport } from "../../../src/store/gateway.ts";
import { GrpcTransport } from "../../../src/store/grpc.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";
import type { Store } from "../../../src/store/store.ts";

/** A store over each transport, as `connect` would make it if it had no choice. */
export const transports: readonly [string, (options: StoreOptions) => Store][] = [
  [
    "gateway",
    (options) => {
      const settings = validateStoreOptions(options);
      return new StoreClient(new GatewayTransport(settings), settings);
    },
  ],
  [
    "gRPC",
    (options) => {
      const settings = validateStoreOptions(options);
      return new StoreClient(new GrpcTransport(settings), settings);
    },
  ],
];
