/** Requests that no Docker sends. */
import { createConnection, type Socket } from "node:net";
import * as fc from "fast-check";
import { ipamDriver } from "../../../src/drivers/remote/protocol/ipam-driver.ts";
import { networkDriver } from "../../../src/drivers/remote/protocol/network-driver.ts";

/** All methods of both drivers. */
export const METHODS = [
  ...Object.keys(networkDriver).map((method) => `NetworkDriver.${method}`),
  ...Object.keys(ipamDriver).map((method) => `IpamDriver.${method}`),
];

const KEYS = [
  ...["NetworkID", "EndpointID", "SandboxKey", "Options", "Interface", "IPv4Data", "IPv6Data", "Address", "PoolID"],
  ...[
    "Pool",
    "SubPool",
    "V6",
    "AddressSpace",
    "DiscoveryType",
    "DiscoveryData",
    "Gateway",
    "AuxAddresses",
    "MacAddress",
  ],
  ...["__proto__", "constructor", "toString", "", "networkid"],
];

const text = fc.oneof(
  fc.constantFrom(
    ...[
      "../../etc/passwd",
      "$(touch /tmp/x)",
      "`id`",
      "a\nb",
      "\u0000",
      "\u202e",
      "\ud800",
      "-rf",
      "%s%n",
      "__proto__",
    ],
    ...["10.0.0.0/33", "::ffff:1.2.3.4", "0x7f.1", "10.9.0.0/24>", "10.9.0.0/24>10.9.0.0/25>x", "0.0.0.0/0", "::/0"],
    ...["02:00:00:00:00:00:00", "169.254.1.1", "a".repeat(63), "}; flush ruleset; add table x {", "x".repeat(100_000)],
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);

const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom(null, true, -1, 2 ** 53, 1e308),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom(...KEYS), fc.oneof(text, fc.constantFrom(null, 0, [], {})), { maxKeys: 3 }),
);

const message = fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 8 });

const nested = (depth: number): string => `${'{"Options":['.repeat(depth)}${"]}".repeat(depth)}`;

/** Bodies that are no message, or one of the wrong kind. */
export const body: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 4, arbitrary: message.map((made) => JSON.stringify(made)) },
  fc.tuple(message, fc.nat(200)).map(([made, length]) => JSON.stringify(made).slice(0, length)),
  value.map((made) => JSON.stringify(made)),
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    nested(10),
    nested(1000),
    "[".repeat(100_000),
    '{"NetworkID":'.repeat(10_000),
    "null",
    "\ufeff{}",
    "1e999",
  ),
);

/** What comes after the method in the first line of a request. */
export const PATHS = [
  ...[
    "/NetworkDriver.__proto__",
    "/NetworkDriver.constructor",
    "/__proto__.x",
    "/constructor.x",
    "//",
    "/.",
    "/..",
    ".",
  ],
  ...[
    "/NetworkDriver.Join/",
    "/NetworkDriver.Join?x=1",
    "/networkdriver.join",
    "/NetworkDriver%2EJoin",
    "*",
    "/%00",
    "/%zz",
  ],
  ...["/Plugin.Activate.Activate", "http://x/Plugin.Deactivate", `/${"x".repeat(10_000)}`, "/NetworkDriver.\u00e9"],
];

/** Connects, says it, and leaves the connection open. */
export function connect(path: string, said: string | Buffer = ""): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path }, () => socket.write(said, () => resolve(socket)));
    socket.on("error", reject);
  });
}

/** Says it, and answers all that comes back until the other end hangs up, or the answer is whole. */
export async function say(path: string, said: string | Buffer): Promise<string> {
  const socket = await connect(path, said);
  const heard: Buffer[] = [];
  return new Promise((resolve) => {
    const end = (): void => {
      socket.destroy();
      resolve(Buffer.concat(heard).toString());
    };
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    socket.on("end", end);
    socket.on("close", end);
    socket.end();
  });
}
