import { type StyledLine, plain } from "./styled.ts";

/** The sections that tell the story by themselves, with the lines of each that are shown; the heading always is. */
const sections: readonly { readonly heading: string; readonly keep: RegExp }[] = [
  { heading: "Two networks", keep: /^\$/ },
  { heading: "A service for each container", keep: /service attach/ },
  { heading: "What there is now", keep: /endpoint ls|ADDRESSES|eth\d/ },
  { heading: "Inside a network", keep: /^✓ (web|cache)/ },
  { heading: "Across networks", keep: /^✓ (web|cache)/ },
  { heading: "Store and kernel agree", keep: /./ },
  { heading: "Taking it down", keep: /^✓/ },
];

/** Those parts of the quickstart's output that the picture shows. Throws when a section is not there or is empty. */
export function choose(lines: readonly StyledLine[]): StyledLine[] {
  return sections.flatMap(({ heading, keep }) => {
    const begin = lines.findIndex((line) => plain(line).startsWith(heading));
    if (begin === -1) throw new Error(`the quickstart has no section "${heading}"`);
    const length = lines.slice(begin).findIndex((line) => plain(line) === "");
    const body = lines.slice(begin + 1, length === -1 ? undefined : begin + length);
    const kept = body.filter((line) => keep.test(plain(line)));
    if (kept.length === 0) throw new Error(`the section "${heading}" has nothing to show`);
    return [[], ...lines.slice(begin, begin + 1), ...kept];
  });
}
