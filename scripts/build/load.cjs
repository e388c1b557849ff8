"use strict";
// Loads the packs of this directory, each by the code cache beside it. packs.cjs tells which chunk is in which.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

const { packOf } = require("./packs.cjs");
const definitions = new Map();
const modules = new Map();

/** The compiled packs by path: what the build makes the caches of. */
exports.scripts = new Map();

/** The exports of a chunk. */
exports.load = load;

function load(name) {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;
  if (!definitions.has(name)) read(packOf[name] ?? name);
  const module = { exports: {} };
  modules.set(name, module);
  definitions.get(name)(module.exports, requireFrom, module);
  return module.exports;
}

function read(pack) {
  const filename = `${__dirname}/${pack}.cjs`;
  // Only ASCII stands in it, and so V8 keeps one byte a character.
  const source = `(function (define) {${readFileSync(filename, "latin1")}\n})`;
  const script = new Script(source, { filename, cachedData: cache(filename) });
  exports.scripts.set(filename, script);
  script.runInThisContext()((name, definition) => definitions.set(name, definition));
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
