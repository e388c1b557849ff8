/** Parts of packages that cost a start milliseconds, and are not needed here, left out of the bundle. */
import type { Plugin } from "esbuild";

/**
 * Commander loads child_process for a kind of subcommand that there is none of here, and the module process, which
 * makes the streams of stdin, stdout and stderr.
 */
const commander: Readonly<Record<string, string>> = {
  "node:child_process": "module.exports = {};",
  "node:process": "module.exports = process;",
};

/**
 * Koffi reads node's own executable, twice, to tell its C library. Trying the addon for the GNU library tells it too;
 * with any other, koffi finds its way itself.
 */
const koffi = `
try {
  module.exports = require("@koromix/koffi-linux-" + process.arch + "/linux_" + process.arch + "/koffi.node");
} catch {
  module.exports = require("koffi");
}
`;

export const lighterPackages: Plugin = {
  name: "lighter packages",
  setup(plugins) {
    const namespace = "lighter";
    plugins.onResolve({ filter: /^node:(child_process|process)$/ }, ({ importer, path }) =>
      importer.includes("/node_modules/commander/") ? { path, namespace } : undefined,
    );
    plugins.onResolve({ filter: /^koffi$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    plugins.onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: commander[path] ?? koffi }));
  },
};
