/** Text as a terminal shows it. */
import { stripVTControlCharacters, styleText } from "node:util";

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** How many cells `text` takes. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    if (/\p{M}|\u200D/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** At most `cells` wide, with … where something was cut off. */
export function truncate(text: string, cells: number): string {
  if (displayWidth(text) <= cells) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > cells - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

export const padEnd = (text: string, cells: number): string =>
  text + " ".repeat(Math.max(0, cells - displayWidth(text)));

/** Bold, where colour is wanted. */
export const bold = (text: string, color: boolean): string =>
  color ? styleText("bold", text, { validateStream: false }) : text;
