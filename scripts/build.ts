/**
 * Builds dist/: the program in packs that are loaded when they are needed, each with V8's code cache beside it, so
 * that a start compiles nothing. `npm run build`.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { build, transform } from "esbuild";
import { lighterPackages } from "./build/lighter.ts";
import { packs } from "./build/packs.ts";

/** Too big to be worth it: they stay in node_modules. */
const external = ["etcd3", "@grpc/*"];

/** Where the chunks begin: the program, and what the warm-up calls. */
const entryPoints = {
  main: "src/cli/main.ts",
  run: "src/cli/run.ts",
  open: "src/cli/open.ts",
  kernel: "src/cli/kernel.ts",
};

/** esbuild splits ES modules only; each chunk is turned into CommonJS afterwards, which node starts faster. */
async function writeChunks(): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints,
    outdir: aside,
    outExtension: { ".js": ".cjs" },
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minifySyntax: true,
    legalComments: "none",
    external,
    // Its ES modules: of a CommonJS package a chunk exports nothing by name.
    alias: { yaml: resolve("node_modules/yaml/browser/index.js") },
    plugins: [lighterPackages],
    logLevel: "warning",
    write: false,
    metafile: true,
  });
  const chunks = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      format: "cjs",
      platform: "node",
      target: "node20",
      // import() becomes require(), which goes through the code cache.
      supported: { "dynamic-import": false },
    });
    chunks.set(basename(path, ".cjs"), code);
  }
  const files = packs(Object.keys(entryPoints), metafile);
  const packOf = [...files].flatMap(([name, parts]) =>
    parts.filter((part) => part !== name).map((part) => [part, name]),
  );
  writeFileSync(join(aside, "packs.cjs"), `exports.packOf = ${JSON.stringify(Object.fromEntries(packOf))};\n`);
  for (const [name, parts] of files) {
    const texts = parts.map(
      (part) => `define("${part}", function (exports, require, module) {${chunks.get(part)}\n});`,
    );
    writeFileSync(join(aside, `${name}.cjs`), texts.join("\n"));
  }
}

/**
 * A program that runs while this builds goes on loading chunks of the build it started with: each build has a folder
 * of its own, the one before it is kept, and dist/start.cjs, which names the newest, is swapped in whole.
 */
function publish(): void {
  const name = randomBytes(8).toString("hex");
  const start = "dist/start.cjs";
  const before = existsSync(start) ? /[0-9a-f]{16}/.exec(readFileSync(start, "utf8"))?.[0] : undefined;
  mkdirSync("dist", { recursive: true });
  renameSync(aside, join("dist", name));
  writeFileSync(`${start}.${name}`, `"use strict";\nmodule.exports = require("./${name}/load.cjs");\n`);
  renameSync(`${start}.${name}`, start);
  for (const entry of readdirSync("dist")) {
    if (entry === name || entry === "start.cjs") continue;
    if (entry === before) touch(join("dist", entry));
    else rmSync(join("dist", entry), { recursive: true, force: true });
  }
}

/** Who compares times must not take the older build for a stale one. */
function touch(folder: string): void {
  const now = new Date();
  for (const file of readdirSync(folder)) utimesSync(join(folder, file), now, now);
}

const aside = resolve(`dist.${process.pid}`);
try {
  mkdirSync(aside);
  await writeChunks();
  for (const file of ["load.cjs", "warm-up.cjs"]) copyFileSync(join("scripts/build", file), join(aside, file));
  execFileSync(process.execPath, [join(aside, "warm-up.cjs")], { stdio: "inherit" });
  rmSync(join(aside, "warm-up.cjs"));
  publish();
} finally {
  rmSync(aside, { recursive: true, force: true });
}
