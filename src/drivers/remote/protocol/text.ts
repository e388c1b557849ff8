/** The pieces of text that messages are made of, each checked: what a plugin says becomes names, routes and paths. */
import * as z from "zod/mini";
import { formatAddress, formatPrefix, parseAddress, parsePrefix, truncatedPrefix } from "../../../base/address.ts";

/** Docker's ids are 64 hex characters; those of other daemons only have to be printable, and to have an end. */
const LONGEST_ID = 128;
/** As long as a path of the kernel. */
const LONGEST_TEXT = 4096;

const checked = (fits: (text: string) => boolean, what: string): z.ZodMiniString =>
  z.string().check(z.refine(fits, `is not ${what}`));

/** Printable ASCII without spaces. */
export const id = checked(
  (text) => text.length <= LONGEST_ID && /^[\x21-\x7e]+$/.test(text),
  `an id: 1 to ${LONGEST_ID} printable characters`,
);

/** Any text on one line. */
export const line = checked(
  (text) => text.length <= LONGEST_TEXT && !/\p{Cc}/u.test(text),
  `text of one line and at most ${LONGEST_TEXT} characters`,
);

/** An interface on the host, as no tool chokes on it. */
export const interfaceName = checked((text) => /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/.test(text), "an interface name");

/** The beginning of an interface name inside a sandbox: a number of up to three digits follows. */
export const interfacePrefix = checked((text) => /^[A-Za-z][A-Za-z0-9_.-]{0,11}$/.test(text), "an interface prefix");

/** In canonical form. */
export const address = z.pipe(
  checked((text) => parseAddress(text) !== undefined, "an address"),
  z.transform((text) => {
    const parsed = parseAddress(text);
    return parsed ? formatAddress(parsed) : text;
  }),
);

/** A prefix in canonical form: without bits behind its length. */
export const prefix = z.pipe(
  checked((text) => parsePrefix(text) !== undefined, "a prefix"),
  z.transform((text) => {
    const parsed = parsePrefix(text);
    return parsed ? formatPrefix(parsed) : text;
  }),
);

/** A prefix whose bits behind the length do not count, as Go reads one; they are gone afterwards. */
export const loosePrefix = z.pipe(
  checked((text) => truncatedPrefix(text) !== undefined, "a prefix"),
  z.transform((text) => {
    const parsed = truncatedPrefix(text);
    return parsed ? formatPrefix(parsed) : text;
  }),
);

/** The address of an interface with the length of its network, `10.0.0.5/24`; the address in canonical form. */
export const addressInPrefix = z.pipe(
  checked((text) => truncatedPrefix(text) !== undefined, "an address with the length of its prefix"),
  z.transform((text) => {
    const [bare = "", length = ""] = text.split("/");
    const parsed = parseAddress(bare);
    return parsed ? `${formatAddress(parsed)}/${length}` : text;
  }),
);

/** In lower case with colons. */
export const mac = z.pipe(
  checked((text) => /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text), "a MAC address"),
  z.transform((text) => text.toLowerCase().replaceAll("-", ":")),
);
