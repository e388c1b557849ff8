import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

/** As resolv.conf(5) has it: no more are asked. */
const MOST = 3;
/** What a host without a word about it asks. */
const OTHERWISE = ["127.0.0.1"];

/** The addresses of the resolvers that a file in the form of resolv.conf(5) names, without `own`. */
export function resolversIn(text: string, own: string): readonly string[] {
  const named = [...text.matchAll(/^nameserver[ \t]+([^ \t\r\n]+)/gm)].map(([, address = ""]) => address);
  return named.length === 0
    ? OTHERWISE
    : named.filter((address) => isIP(address) > 0 && address !== own).slice(0, MOST);
}

/** The resolvers of a host, read anew when their file has changed. */
export class Resolvers {
  readonly #file: string;
  readonly #own: string;
  #state = "";
  #known: readonly string[] = [];

  /** `own` is never among them: it would ask itself. */
  constructor(file: string, own: string) {
    this.#file = file;
    this.#own = own;
  }

  list(): readonly string[] {
    const state = stateOf(this.#file);
    if (state !== this.#state) {
      this.#known = resolversIn(state === undefined ? "" : readFileSync(this.#file, "utf8"), this.#own);
      this.#state = state ?? "";
    }
    return this.#known;
  }
}

/** What changes when the file does; undefined without it. */
function stateOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat && `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}
