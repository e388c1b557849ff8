import { parsePort } from "../../../cnm/ports.ts";
import type { OptionValues } from "../../options.ts";
import { list, pairs, text } from "../../options.ts";

/** What can be asked of an endpoint when it is made, by publish or by attach --publish. */
export const publishOptions = {
  ip: text("IP", "IPv4 address of the service"),
  ip6: text("IP", "IPv6 address of the service"),
  mac: text("MAC", "MAC address of its interface"),
  alias: list("NAME", "further name of the service in its network"),
  label: pairs("KEY=VALUE", "label of the service"),
  port: list(
    "[HOST_IP:]HOST_PORT:PORT[/PROTO]",
    "port of the host that leads to one of the container while it is attached (tcp, udp or sctp)",
    { short: "p" },
  ),
};

export const publishSpec = ({ ip, ip6, mac, alias, label, port }: OptionValues<typeof publishOptions>) => ({
  ...(ip === undefined ? {} : { ip }),
  ...(ip6 === undefined ? {} : { ip6 }),
  ...(mac === undefined ? {} : { mac }),
  aliases: [...alias],
  labels: label,
  ports: port.map(parsePort),
});
