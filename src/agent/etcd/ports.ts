import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** A port of loopback that nobody has now: `preferred` if it is free. */
export async function freePort(preferred = 0): Promise<number> {
  return (await listen(preferred)) ?? (await listen(0)) ?? Promise.reject(new Error("loopback has no free port"));
}

/** Undefined when the port is taken. */
function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const { port: given } = server.address() as AddressInfo;
      server.close(() => resolve(given));
    });
  });
}
