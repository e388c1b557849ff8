/** This program as another version of itself: a copy that says so, for what one version does with the other. */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { version } from "../../src/cli/version.ts";

/** Makes it below `folder`; answers its launcher. */
export function makeOtherVersion(folder: string, other: string): string {
  mkdirSync(folder);
  cpSync("bin", join(folder, "bin"), { recursive: true });
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  const build = /"\.\/([0-9a-f]+)\/load\.cjs"/.exec(readFileSync("dist/start.cjs", "utf8"))?.[1] ?? "";
  cpSync(join("dist", build), join(folder, "dist", build), { recursive: true });
  cpSync("dist/start.cjs", join(folder, "dist", "start.cjs"));
  const chunks = join(folder, "dist", build);
  for (const name of readdirSync(chunks)) {
    const file = join(chunks, name);
    // A code cache holds the text of before.
    if (name.endsWith(".cache")) rmSync(file);
    else writeFileSync(file, readFileSync(file, "latin1").replaceAll(`"${version}"`, `"${other}"`), "latin1");
  }
  return join(folder, "bin", "calicoctl");
}
