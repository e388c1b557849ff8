import { styleText } from "node:util";

/** Colours are left out by themselves when standard output is no terminal, or NO_COLOR is set. */
const print = (line: string): void => void process.stdout.write(`${line}\n`);

export const heading = (text: string): void => print(`\n${styleText("bold", text)}`);

export const note = (text: string): void => print(styleText("dim", text));

/** A command as a person would type it. */
export const showCommand = (words: readonly string[], { background = false } = {}): void =>
  print(`${styleText("dim", "$")} ${styleText("cyan", words.map(quoted).join(" ") + (background ? " &" : ""))}`);

export const pass = (text: string): void => print(`${styleText("green", "✓")} ${text}`);

export const fail = (text: string): void => print(`${styleText("red", "✗")} ${text}`);

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
