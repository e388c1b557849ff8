/**
 * A device of the host's own that has the address of the containers' next hop, so that the host answers for it: to the
 * ARP of whoever has no permanent neighbour entry, and to those who ask it for names. It is a bridge without ports,
 * since every host with containers can make one, and `dummy` is not in every kernel.
 */
import { constants } from "node:os";
import { addAddress, deleteAddress, listAddresses } from "../../dataplane/netlink/address.ts";
import { NetlinkError } from "../../dataplane/netlink/error.ts";
import { type Link, findLink, findLinkInBackground, makeLink } from "../../dataplane/netlink/link-state.ts";
import { createLink, setLinkAlias, setLinkUp, withoutGeneratedAddress } from "../../dataplane/netlink/link.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce, withSocket } from "../../dataplane/netlink/with-socket.ts";
import type { Difference } from "../driver.ts";
import { deleteLinks } from "../veth/links.ts";
import { HOST_MAC } from "../veth/marks.ts";
import { NEXT_HOP, NODE_DEVICE } from "./constants.ts";

/** Below the scopes that the host chooses source addresses from: it never speaks to others by this one (RT_SCOPE_HOST). */
const HOST_SCOPE = 254;
const ADDRESS = { address: NEXT_HOP[4], length: 32 };
/** Not of the form that the interfaces of endpoints and networks have: it is no driver's to take for a leftover. */
const ALIAS = "next hop of the containers of calicoctl";

/** What is wrong with it, in words that follow its name, and the requests that mend that. */
interface Fault {
  readonly what: string;
  readonly mend: readonly Request[];
}

const OBJECT = `interface ${NODE_DEVICE}`;
const FOREIGN = {
  object: OBJECT,
  what: "has the name of the device by which containers ask for names, and calicoctl did not make it",
  remedy: `if nobody needs it: ip link delete ${NODE_DEVICE}`,
};

/**
 * Makes it as it should be. Idempotent. Returns a sentence when it could not: containers do without, all but names.
 * Somebody else's device of that name stays theirs.
 */
export function ensureNodeDevice(): string | undefined {
  try {
    return askOnce((host) => (mend(host) ? undefined : `${OBJECT} ${FOREIGN.what}; ${FOREIGN.remedy}`));
  } catch (error) {
    if (error instanceof NetlinkError) return `containers cannot ask for names: ${error.message}`;
    throw error;
  }
}

/** What of it is not as it should be. Changes nothing. */
export function nodeDeviceDifferences(): Promise<Difference[]> {
  return withSocket(async (host) => {
    const link = await findLinkInBackground(host, NODE_DEVICE);
    if (link && !isOurs(link)) return [FOREIGN];
    const faults = link ? faultsOf(host, link).map(({ what }) => what) : ["is missing"];
    return faults.map((what) => ({ object: OBJECT, what, repair: () => void askOnce(mend) }));
  });
}

/** Returns whether it is ours to mend. */
function mend(host: NetlinkSocket): boolean {
  const link = findLink(host, NODE_DEVICE) ?? makeLink(host, creation, NODE_DEVICE);
  if (link && !isOurs(link)) return false;
  if (link) host.executeAll(faultsOf(host, link).flatMap((fault) => fault.mend));
  return true;
}

export const isNodeDeviceThere = (): boolean => findOwn() !== undefined;

/** Returns whether it was there. Another's is left alone. */
export async function removeNodeDevice(): Promise<boolean> {
  const link = findOwn();
  if (link) await deleteLinks([link]);
  return link !== undefined;
}

function findOwn(): Link | undefined {
  const link = askOnce((host) => findLink(host, NODE_DEVICE));
  return link && isOurs(link) ? link : undefined;
}

/** Tolerates that another process is just making it. The MAC is the mark by which it is known from birth on. */
const creation = { ...createLink("bridge", NODE_DEVICE, { mac: HOST_MAC }), tolerate: [constants.errno.EEXIST] };

const isOurs = ({ kind, mac, alias }: Link): boolean => kind === "bridge" && (mac === HOST_MAC || alias === ALIAS);

function faultsOf(host: NetlinkSocket, { index, alias, up }: Link): Fault[] {
  const addresses = listAddresses(host, index).filter(({ address }) => address === ADDRESS.address);
  const isRight = addresses.some(({ length, scope }) => length === ADDRESS.length && scope === HOST_SCOPE);
  return [
    ...(alias === ALIAS ? [] : [{ what: "has another alias", mend: [setLinkAlias(index, ALIAS)] }]),
    ...(isRight
      ? []
      : [
          {
            what: `lacks the address ${ADDRESS.address}`,
            mend: [
              ...addresses.map((wrong) => deleteAddress(index, wrong)),
              addAddress(index, ADDRESS, { scope: HOST_SCOPE }),
            ],
          },
        ]),
    ...(up ? [] : [{ what: "is down", mend: [withoutGeneratedAddress(index), setLinkUp(index)] }]),
  ];
}
