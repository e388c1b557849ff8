/**
 * Builds dist/: the program in chunks that are loaded when they are needed, each with V8's code cache beside it, so
 * that a start compiles nothing. `npm run build`.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { build, transform } from "esbuild";
import { lighterPackages } from "./build/lighter.ts";

/** Too big to be worth it: they stay in node_modules. */
const external = ["etcd3", "@grpc/*"];

/** Where the chunks begin: the program, and what the warm-up calls. */
const entryPoints = {
  main: "src/cli/main.ts",
  run: "src/cli/run.ts",
  open: "src/cli/open.ts",
  kernel: "src/cnm/local.ts",
};

/** esbuild splits ES modules only; each chunk is turned into CommonJS afterwards, which node starts faster. */
async function writeChunks(): Promise<void> {
  const { outputFiles } = await build({
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
  });
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      format: "cjs",
      platform: "node",
      target: "node20",
      // import() becomes require(), which goes through the code cache.
      supported: { "dynamic-import": false },
    });
    writeFileSync(join(aside, basename(path)), code);
  }
}

// Built aside and swapped in, so that a program that starts meanwhile finds the old one or the new one.
const aside = resolve(`dist.${process.pid}`);

try {
  mkdirSync(aside);
  await writeChunks();
  for (const file of ["start.cjs", "warm-up.cjs"]) copyFileSync(join("scripts/build", file), join(aside, file));
  execFileSync(process.execPath, [join(aside, "warm-up.cjs")], { stdio: "inherit" });
  rmSync(join(aside, "warm-up.cjs"));
  rmSync("dist", { recursive: true, force: true });
  renameSync(aside, "dist");
} finally {
  rmSync(aside, { recursive: true, force: true });
}
