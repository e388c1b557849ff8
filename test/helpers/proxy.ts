/** A TCP proxy that loses what it is told to lose, for what a network does between a client and etcd. */
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** `pass` both ways; `replies`: requests arrive, their replies are lost; `requests`: those are lost. */
export type Losing = "nothing" | "replies" | "requests";

export interface Proxy {
  readonly endpoint: string;
  /** What is lost from now on. */
  lose(what: Losing): void;
  /** Whether anything was lost since `lose` was called. */
  lost(): boolean;
  /** Resets every connection there is. */
  reset(): void;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let losing: Losing = "nothing";
  let lost = false;

  const server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1");
    join(client, target, "requests");
    join(target, client, "replies");
  });
  function join(from: Socket, to: Socket, kind: Losing): void {
    open.add(from);
    from.on("data", (data) => {
      if (losing === kind) lost = true;
      else to.write(data);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      open.delete(from);
      to.destroy();
    });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lose: (what) => {
      losing = what;
      lost = false;
    },
    lost: () => lost,
    reset,
    async stop(): Promise<void> {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
