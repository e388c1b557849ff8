import { type Container, prefix } from "./containers.ts";

/** Addresses that are kept for measurements between networks, and so are nobody's here (RFC 2544). */
export const frontend = { name: `${prefix}frontend`, subnet: "198.18.10.0/24" };
export const backend = { name: `${prefix}backend`, subnet: "198.18.20.0/24" };

export const web: Container = { name: "web", kind: "netns" };
export const api: Container = { name: "api", kind: "netns" };
const db: Container = { name: "db", kind: "netns" };
const cache: Container = { name: "cache", kind: "docker" };

/** All containers, with that of Docker when its daemon answers. */
export const castOf = (docker: boolean): readonly Container[] => (docker ? [web, api, db, cache] : [web, api, db]);

/** A container's place in a network. */
export interface Role {
  readonly container: Container;
  readonly network: { readonly name: string };
}

/** As calicoctl names it: SERVICE.NETWORK. */
export const serviceOf = ({ container, network }: Role): string => `${container.name}.${network.name}`;

/** `web` is in front, `db` behind, and `cache` of Docker too; `api` is on both networks. */
export const roles = (containers: readonly Container[]): Role[] =>
  [
    { container: web, network: frontend },
    { container: api, network: frontend },
    { container: api, network: backend },
    { container: db, network: backend },
    { container: cache, network: backend },
  ].filter(({ container }) => containers.includes(container));
