/**
 * Runs a TypeScript script of this project: `node scripts/run.mjs scripts/NAME.ts [ARGUMENT...]`, from the project's
 * root. Node 20 cannot strip types itself.
 */
import { rmSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const [script = "", ...rest] = process.argv.slice(2);
// Below node_modules, so that packages resolve; one file a process, so that two runs at once do not meet.
const outfile = resolve("node_modules/.cache/scripts", `${basename(script, ".ts")}-${process.pid}.mjs`);

await build({
  entryPoints: [script],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
process.setSourceMapsEnabled(true);
process.argv = [process.execPath, resolve(script), ...rest];
try {
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(outfile, { force: true });
}
