/** The rules of the model in a few lines, to be compared with what calicoctl says and does. */

const DONE = 0;
const EXHAUSTED = 1;
const USAGE = 2;
const MISSING = 3;
const CONFLICT = 4;

interface Subnet {
  readonly cidr: string;
  /** How many addresses it has for services. */
  readonly room: number;
}

export const SUBNETS: Readonly<Record<string, Subnet>> = {
  red: { cidr: "10.1.0.0/29", room: 6 },
  green: { cidr: "10.2.0.0/30", room: 2 },
  blue: { cidr: "10.3.0.0/30", room: 2 },
};

interface Service {
  readonly network: string;
  readonly name: string;
  /** When it was asked for. */
  readonly ip: string | undefined;
  /** The container that it is attached to. */
  at?: number;
}

/** Each verb changes the model and answers the exit code that is due. */
export class Model {
  /** With their subnets; those that were made on the way have none, and draw from the shared pool. */
  readonly networks = new Map<string, Subnet | undefined>();
  readonly services = new Map<string, Service>();

  create(network: string): number {
    if (this.networks.has(network)) return CONFLICT;
    this.networks.set(network, SUBNETS[network]);
    return DONE;
  }

  remove(network: string): number {
    if (!this.networks.has(network)) return MISSING;
    if (this.servicesOf(network).length > 0) return CONFLICT;
    this.networks.delete(network);
    return DONE;
  }

  publish(name: string, network: string, ip?: string): number {
    if (!this.networks.has(network)) return MISSING;
    if (this.services.has(`${name}.${network}`)) return CONFLICT;
    const subnet = this.networks.get(network);
    // "10.1.0." tells the subnets apart.
    if (ip !== undefined && ip.slice(0, 7) !== subnet?.cidr.slice(0, 7)) return USAGE;
    if (ip !== undefined && this.taken(ip)) return CONFLICT;
    if (ip === undefined && subnet && this.servicesOf(network).length >= subnet.room) return EXHAUSTED;
    this.services.set(`${name}.${network}`, { name, network, ip });
    return DONE;
  }

  unpublish(name: string, network: string, force: boolean): number {
    const service = this.services.get(`${name}.${network}`);
    if (!service) return MISSING;
    if (service.at !== undefined && !force) return CONFLICT;
    this.services.delete(`${name}.${network}`);
    this.addresses.delete(`${name}.${network}`);
    return DONE;
  }

  attach(container: number, name: string, network: string): number {
    const service = this.services.get(`${name}.${network}`);
    if (!service) return MISSING;
    if (service.at !== undefined) return CONFLICT;
    service.at = container;
    return DONE;
  }

  /** With --publish. */
  attachNew(container: number, name: string, network: string): number {
    if (!this.networks.has(network)) this.networks.set(network, undefined);
    const published = this.services.has(`${name}.${network}`) ? DONE : this.publish(name, network);
    return published === DONE ? this.attach(container, name, network) : published;
  }

  detach(container: number | undefined, name: string, network: string): number {
    const service = this.services.get(`${name}.${network}`);
    if (!service) return MISSING;
    if (service.at === undefined || (container !== undefined && service.at !== container)) return CONFLICT;
    delete service.at;
    return DONE;
  }

  /** The addresses that calicoctl gave, by service. */
  readonly addresses = new Map<string, string>();

  taken = (ip: string): boolean => [...this.addresses.values()].includes(ip);

  servicesOf = (network: string): Service[] => [...this.services.values()].filter((one) => one.network === network);

  attachedTo = (container: number): Service[] => [...this.services.values()].filter(({ at }) => at === container);

  /** Whether a container reaches a service: both are attached, and to one network. */
  reaches = (from: number, { network, at }: Service): boolean =>
    at !== undefined && this.attachedTo(from).some((own) => own.network === network);
}
