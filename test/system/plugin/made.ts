/** What a test makes of Docker's by hand, each by the calls that belong to it, and how all of it goes again. */
import { newId, type Message, type Wire } from "./wire.ts";

export interface Made {
  /** Docker's id of a new network. */
  network(message?: Message): Promise<string>;
  /** A new endpoint on a network: Docker's id of it, and what was answered. */
  endpoint(network: string, message?: Message): Promise<{ id: string; given: Message }>;
  /** The id of a pool. */
  pool(message: Message): Promise<string>;
  /** An address of a pool with its length. */
  address(pool: string, message?: Message): Promise<string>;
  join(network: string, endpoint: string, sandbox: string): Promise<Message>;
  /** Ends all of it, in Docker's order. */
  end(): Promise<void>;
}

/** Of a network with a pool of its own. */
export const own = (Pool: string, more: Message = {}): Message => ({
  IPv4Data: [{ Pool, Gateway: "0.0.0.0/0", ...more }],
});

/** Without its length. */
export const bare = (address: string): string => address.split("/")[0] ?? "";

export function makerOn({ call }: Pick<Wire, "call">): Made {
  const networks = new Map<string, string[]>();
  const promised: Message[] = [];
  return {
    async network(message = {}) {
      const NetworkID = newId();
      networks.set(NetworkID, []);
      await call("NetworkDriver.CreateNetwork", { NetworkID, ...message });
      return NetworkID;
    },
    async endpoint(NetworkID, message = {}) {
      const EndpointID = newId();
      networks.get(NetworkID)?.push(EndpointID);
      const answer = await call("NetworkDriver.CreateEndpoint", { NetworkID, EndpointID, ...message });
      return { id: EndpointID, given: answer["Interface"] as Message };
    },
    pool: async (message) => String((await call("IpamDriver.RequestPool", message))["PoolID"]),
    async address(PoolID, message = {}) {
      const address = String((await call("IpamDriver.RequestAddress", { PoolID, ...message }))["Address"]);
      promised.push({ PoolID, Address: bare(address) });
      return address;
    },
    join: (NetworkID, EndpointID, SandboxKey) =>
      call("NetworkDriver.Join", { NetworkID, EndpointID, SandboxKey, Options: {} }),
    async end() {
      for (const [NetworkID, endpoints] of networks) {
        for (const EndpointID of endpoints)
          for (const method of ["Leave", "DeleteEndpoint"])
            await call(`NetworkDriver.${method}`, { NetworkID, EndpointID });
        await call("NetworkDriver.DeleteNetwork", { NetworkID });
      }
      networks.clear();
      for (const message of promised.splice(0)) await call("IpamDriver.ReleaseAddress", message);
    },
  };
}
