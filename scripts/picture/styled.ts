/** How terminals show text: the styles that the quickstart and calicoctl use, by their SGR number (ECMA-48). */
const styles = { 1: "bold", 2: "dim", 31: "red", 32: "green", 36: "cyan" } as const;

export type Style = (typeof styles)[keyof typeof styles];

/** A part of a line, in one style. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

export type StyledLine = readonly Span[];

export const plain = (line: StyledLine): string => line.map(({ text }) => text).join("");

/** What a terminal received, line by line. A control sequence of another kind is an error: it would be drawn as text. */
export function styled(received: string): StyledLine[] {
  return received.replaceAll("\r\n", "\n").trimEnd().split("\n").map(spans);
}

function spans(line: string): StyledLine {
  const [begin = "", ...rest] = line.split("\u001B[");
  const all: Span[] = [{ text: begin }, ...rest.map(span)];
  if (all.some(({ text }) => /\p{Cc}/u.test(text))) throw new Error(`this cannot be drawn: ${JSON.stringify(line)}`);
  return all.filter(({ text }) => text !== "");
}

/** What follows the introducer of a sequence. A number that is no style ends the one before, as 22 and 39 do. */
function span(part: string): Span {
  const [, number = "", text] = /^(\d+)m(.*)$/s.exec(part) ?? [];
  if (text === undefined) throw new Error(`this sequence cannot be drawn: ${JSON.stringify(part)}`);
  const style = (styles as Readonly<Record<string, Style>>)[number];
  return { text, ...(style === undefined ? {} : { style }) };
}
