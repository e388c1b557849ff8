import type { SystemRow } from "../../agent/system-check/row.ts";
import type { View } from "../render/view.ts";

/** One thing that a node needs or could use. */
export const systemRowView: View<SystemRow> = {
  kind: "SystemCheck",
  columns: [
    { title: "CHECK", cell: ({ name }) => name },
    { title: "STATE", cell: ({ state }) => state },
    { title: "FOUND", cell: ({ found }) => found },
    { title: "REMEDY", cell: ({ remedy }) => remedy ?? "" },
  ],
  id: ({ name }) => name,
  name: ({ name }) => name,
  document: ({ name, state, found, remedy }) => ({ name, state, found, remedy: remedy ?? null }),
};
