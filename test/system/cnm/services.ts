/** What tests of the model read from the command line. */
import type { Container } from "../../helpers/container.ts";
import type { Resident } from "../../helpers/resident.ts";

export interface Attached {
  readonly name: string;
  readonly network: string;
  readonly ip: string;
  readonly ip6: string | undefined;
  /** In the container and on the host. */
  readonly interface: string;
  readonly hostInterface: string;
}

/** Publishes the service and attaches the container. */
export async function attachNew(
  resident: Resident,
  container: Container,
  service: string,
  ...options: readonly string[]
): Promise<Attached> {
  await resident.must("service", "attach", "--publish", ...options, container.ref, service);
  return serviceInfo(resident, service);
}

/** What is known of an attached service. */
export async function serviceInfo(resident: Resident, service: string): Promise<Attached> {
  const { items } = (await resident.json("service", "info", service)) as {
    items: { name: string; network: string; addresses: string[]; attachment: Attached | null }[];
  };
  const [item] = items;
  if (!item?.attachment) throw new Error(`${service} is not attached`);
  const { name, network, addresses, attachment } = item;
  return {
    name,
    network,
    ip: addresses.find((address) => !address.includes(":")) ?? "",
    ip6: addresses.find((address) => address.includes(":")),
    interface: attachment.interface,
    hostInterface: attachment.hostInterface,
  };
}
