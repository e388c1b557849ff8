import { usageError } from "../../../base/errors.ts";
import { argument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag, list, pairs, text } from "../../options.ts";
import { madeNetworkView } from "../../views/network.ts";

export const networkCreate = defineCommand({
  path: ["network", "create"],
  summary: "Create a network and print its id",
  description:
    "A network with a --subnet has an address pool of its own; without one it shares the default pools. " +
    "Give --subnet once for each address family. Driver calico routes each address, on any number of nodes. Driver " +
    "bridge makes a Linux bridge on one node; a subnet that is not given is the next free one, a gateway its first address. " +
    "Any other DRIVER is a Docker network plugin of that name.",
  arguments: { name: argument("NAME", "name of the network, unique in the cluster") },
  options: {
    driver: text("DRIVER", "how the network becomes real: calico (the default), bridge or a plugin", { short: "d" }),
    subnet: list("CIDR", "address pool of the network's own"),
    ipRange: list("CIDR", "part of a subnet to take addresses from"),
    gateway: list("IP", "address in a subnet that is kept for a gateway"),
    auxAddress: list("[NAME=]IP", "address in a subnet that is kept for something else"),
    internal: flag("no way out of the network"),
    ipv6: flag("give endpoints IPv6 addresses too"),
    label: pairs("KEY=VALUE", "label of the network"),
    opt: pairs("KEY=VALUE", "option for the driver", { short: "o" }),
    ipamDriver: text("PLUGIN", "the IPAM plugin that gives pools and addresses (default: calicoctl's own IPAM)"),
    ipamOpt: pairs("KEY=VALUE", "option for the IPAM plugin"),
    force: flag("even if a subnet overlaps the host's own networks"),
    ignore: flag("if the network exists, print its id and succeed"),
  },
  examples: [
    { command: "calicoctl network create frontend", does: "a network with addresses from the default pools" },
    {
      command: "calicoctl network create --subnet 10.20.0.0/16 --ip-range 10.20.1.0/24 --label tier=db backend",
      does: "a network with a pool of its own",
    },
    {
      command: "calicoctl network create -d weave --subnet 10.32.0.0/16 -o mtu=1400 mesh",
      does: "by a Docker network plugin",
    },
    { command: "calicoctl network create -d bridge foo", does: "a bridge on this node, with a gateway and NAT" },
    { command: "calicoctl network create --internal --ipv6 vault", does: "dual stack, with no way out" },
  ],
  async run({ controller, output }, { name }, options) {
    const network = await (
      await controller()
    ).createNetwork(
      {
        name,
        ...(options.driver === undefined ? {} : { driver: options.driver }),
        subnets: [...options.subnet],
        ipRanges: [...options.ipRange],
        gateways: [...options.gateway],
        // Docker has a name before each, which is for people alone.
        auxAddresses: options.auxAddress.map((text) => text.slice(text.indexOf("=") + 1)),
        internal: options.internal,
        ipv6: options.ipv6,
        labels: options.label,
        options: options.opt,
        ipam: ipamSpec(options.ipamDriver, options.ipamOpt),
        force: options.force,
      },
      { ignore: options.ignore },
    );
    await output.made(madeNetworkView, [network]);
  },
});

function ipamSpec(
  driver: string | undefined,
  options: Readonly<Record<string, string>>,
): { driver: string; options: Readonly<Record<string, string>> } | undefined {
  if (driver !== undefined) return { driver, options };
  if (Object.keys(options).length > 0) throw usageError("--ipam-opt is for an IPAM plugin", "give --ipam-driver");
  return undefined;
}
