import type { Span, Style, StyledLine } from "./styled.ts";

/** Of a character, in pixels; words are placed and stretched by it, so that columns stand whatever the font. */
const cell = { width: 8, height: 19 };
const margin = 20;
/** How wide the terminal is; wider lines are cut. */
export const columns = 100;

const background = "#0d1117";
const ink = "#e6edf3";
const look: Readonly<Record<Style, string>> = {
  bold: `fill="#ffffff" font-weight="bold"`,
  dim: `fill="#8b949e"`,
  red: `fill="#ff7b72"`,
  green: `fill="#56d364"`,
  cyan: `fill="#76e3ea"`,
};

/** An SVG picture of a terminal that shows the lines. */
export function draw(lines: readonly StyledLine[], title: string): string {
  const width = columns * cell.width + 2 * margin;
  const height = lines.length * cell.height + 2 * margin;
  const words = lines.flatMap((line, row) => wordsOf(line, row));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" fill="${ink}" font-size="13" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace">
  <title>${escape(title)}</title>
  <rect width="${width}" height="${height}" rx="10" fill="${background}"/>
${words.join("\n")}
</svg>
`;
}

/** Each run of words with single blanks between them is placed by itself: SVG would swallow wider gaps. */
function wordsOf(line: StyledLine, row: number): string[] {
  const y = margin + (row + 0.75) * cell.height;
  let column = 0;
  return line.flatMap(({ text, style }: Span) => {
    const begin = column;
    column += text.length;
    return [...cut(text, begin).matchAll(/\S+(?: \S+)*/g)].map(({ 0: word, index }) => {
      const x = margin + (begin + index) * cell.width;
      const attributes = style === undefined ? "" : ` ${look[style]}`;
      return `  <text x="${x}" y="${y}" textLength="${word.length * cell.width}"${attributes}>${escape(word)}</text>`;
    });
  });
}

function cut(text: string, begin: number): string {
  const room = columns - begin;
  if (text.length <= room) return text;
  return room < 1 ? "" : `${text.slice(0, room - 1)}…`;
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
