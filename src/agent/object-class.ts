const words =
  /^(?:the |IPv[46] )?(firewall|forwarding|interface|address|neighbour|route|rule|service|state directory)\b/;

/** What sort of thing an event's object is, of a few: so that they can be counted apart. */
export const objectClass = (object: string): string =>
  // An interface is often called by its name alone.
  words.exec(object)?.[1] ?? "interface";
