const LONGEST = 60;

/** What somebody typed, as an error shows it: between quotes, one line, and not more of it than a line holds. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
