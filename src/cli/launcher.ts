import { realpathSync } from "node:fs";

/** The script that this process was started with, wherever links to it lie. */
export const launcher = (): string => realpathSync(process.argv[1] ?? process.execPath);
