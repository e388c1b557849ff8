/** What other hands do to the kernel under a container that is attached. */
import type { Container } from "../../helpers/container.ts";
import type { Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import type { Attached } from "./services.ts";

export interface Place {
  readonly host: Host;
  readonly container: Container;
  /** The container's only service, dual stack in 10.1.0.0/24 and fd00:1::/64. */
  readonly service: Attached;
}

const onHost = ({ host }: Place, ...words: string[]): Promise<unknown> => must(words, { namespace: host.namespace });
const inside = ({ container }: Place, ...words: string[]): Promise<unknown> =>
  must(words, { namespace: container.namespace });

/** What is done, and what check names. */
export const drifts: Record<string, readonly [(place: Place) => Promise<unknown>, RegExp]> = {
  "the host's end is down": [
    (place) => onHost(place, "ip", "link", "set", place.service.hostInterface, "down"),
    /cali\w+ +is down/,
  ],
  "the container's end is down": [(place) => inside(place, "ip", "link", "set", "eth0", "down"), /eth0 .* is down/],
  "the host's end is deleted": [
    (place) => onHost(place, "ip", "link", "delete", place.service.hostInterface),
    /cali.* is missing/,
  ],
  "the host's end flaps": [
    async (place) => {
      await onHost(place, "ip", "link", "set", place.service.hostInterface, "down");
      await onHost(place, "ip", "link", "set", place.service.hostInterface, "up");
    },
    /route 10\.1\.0\.\d+\/32/,
  ],
  "the host's end is renamed": [
    (place) => onHost(place, "ip", "link", "set", place.service.hostInterface, "name", "renamed0"),
    /cali.* is missing/,
  ],
  "the container's end is renamed": [
    (place) => inside(place, "ip", "link", "set", "eth0", "name", "renamed0"),
    /does not lead/,
  ],
  "the host's end has another MAC": [
    (place) => onHost(place, "ip", "link", "set", place.service.hostInterface, "address", "02:00:00:00:00:01"),
    /has another MAC/,
  ],
  "the container's end has another MAC": [
    (place) => inside(place, "ip", "link", "set", "eth0", "address", "02:00:00:00:00:01"),
    /has another MAC/,
  ],
  "the route on the host is deleted": [
    (place) => onHost(place, "ip", "route", "delete", place.service.ip),
    /route 10\.1\.0\.\d+\/32/,
  ],
  "the IPv6 route on the host is deleted": [
    (place) => onHost(place, "ip", "-6", "route", "delete", place.service.ip6 ?? ""),
    /route fd00:1::\d\/128/,
  ],
  "the default route in the container is deleted": [
    (place) => inside(place, "ip", "route", "delete", "default"),
    /route 0\.0\.0\.0\/0/,
  ],
  "the address is deleted": [
    (place) => inside(place, "ip", "address", "delete", `${place.service.ip}/32`, "dev", "eth0"),
    /address 10\.1\.0\.\d+\/32/,
  ],
  "a neighbour entry is deleted": [
    (place) => onHost(place, "ip", "neighbour", "delete", place.service.ip, "dev", place.service.hostInterface),
    /neighbour 10\.1\.0\./,
  ],
  "the device of the next hop is deleted": [
    (place) => onHost(place, "ip", "link", "delete", "cnm0"),
    /cnm0 +is missing/,
  ],
  "the device of the next hop has lost its address": [
    (place) => onHost(place, "ip", "address", "flush", "dev", "cnm0"),
    /cnm0 +lacks the address 169\.254\.1\.1/,
  ],
  "the whole ruleset is flushed": [(place) => onHost(place, "nft", "flush", "ruleset"), /firewall/],
  "a chain is emptied": [(place) => onHost(place, "nft", "flush", "chain", "inet", "calico_cnm", "source"), /firewall/],
  "an element is deleted": [
    (place) =>
      onHost(
        place,
        "nft",
        "delete",
        "element",
        "inet",
        "calico_cnm",
        "interfaces",
        `{ ${place.service.hostInterface} }`,
      ),
    /firewall/,
  ],
  "a strange element is added": [
    (place) => onHost(place, "nft", "add", "element", "inet", "calico_cnm", "interfaces", "{ cali00000000000 }"),
    /firewall/,
  ],
  "IPv4 forwarding is off": [(place) => onHost(place, "sysctl", "-qw", "net.ipv4.ip_forward=0"), /IPv4 forwarding/],
  "IPv6 forwarding is off": [
    (place) => onHost(place, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0"),
    /IPv6 forwarding/,
  ],
  "IPv6 is switched off in the container": [
    (place) => inside(place, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"),
    /address fd00:1::\d\/128/,
  ],
};
