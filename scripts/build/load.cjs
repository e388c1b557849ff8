"use strict";
// Loads the chunks of this directory, each by the code cache beside it.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

const modules = new Map();

/** The compiled chunks by path: what the build makes the caches of. */
exports.scripts = new Map();

/** The exports of a chunk. */
exports.load = load;

function load(name) {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;
  const filename = `${__dirname}/${name}.cjs`;
  // Only ASCII stands in it, and so V8 keeps one byte a character.
  const source = `(function (exports, require, module) {${readFileSync(filename, "latin1")}\n})`;
  const script = new Script(source, { filename, cachedData: cache(filename) });
  exports.scripts.set(filename, script);
  const module = { exports: {} };
  modules.set(name, module);
  script.runInThisContext()(module.exports, requireFrom, module);
  return module.exports;
}

/** V8 itself refuses a cache of another version or with other flags, and compiles. */
function cache(filename) {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}

function requireFrom(id) {
  return id.startsWith("./") ? load(id.slice(2, -".cjs".length)) : require(id);
}
