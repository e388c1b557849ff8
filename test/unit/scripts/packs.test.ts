import { expect, test } from "@jest/globals";
import { packs } from "../../../scripts/build/packs.ts";

type Metafile = Parameters<typeof packs>[1];

/** Chunks by name, with what each imports at once, and behind a "?" on the way. */
function metafile(chunks: Record<string, string>): Metafile {
  const outputs = Object.entries(chunks).map(([name, imports]) => [
    `out/${name}.cjs`,
    {
      imports: imports
        .split(" ")
        .filter(Boolean)
        .map((one) => ({
          path: `out/${one.replace("?", "")}.cjs`,
          kind: one.endsWith("?") ? "dynamic-import" : "import-statement",
        })),
    },
  ]);
  return { inputs: {}, outputs: Object.fromEntries(outputs) };
}

test("every chunk is in one pack, behind what it needs, and what is only loaded on the way in one of its own", () => {
  const found = packs(
    ["main", "open"],
    metafile({
      main: "base later?",
      base: "",
      open: "base store",
      store: "base",
      later: "base shared deep",
      shared: "",
      deep: "shared",
      other: "shared",
    }),
  );
  expect([...found]).toEqual([
    ["main", ["base", "main"]],
    ["open", ["store", "open"]],
    ["later", ["shared", "deep", "later"]],
    ["other", ["other"]],
  ]);
});
