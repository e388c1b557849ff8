const LONGEST = 60;

/** What somebody typed, as an error shows it: between quotes, one line, and not more of it than a line holds. */
export const quote = (text: string): string =>
  printable(JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text));

/** Spells control characters out: what others wrote must not move a cursor or forge a line. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
