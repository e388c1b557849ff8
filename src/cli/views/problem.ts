import type { Problem } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";

/** One difference between the store and the kernel. */
export const problemView: View<Problem> = {
  kind: "Problem",
  columns: [
    { title: "OBJECT", cell: ({ object }) => object },
    { title: "PROBLEM", cell: ({ what }) => what },
    { title: "STATE", cell: ({ repaired }) => (repaired ? "repaired" : "wrong") },
    { title: "REMEDY", cell: ({ remedy }) => remedy ?? "" },
  ],
  id: ({ object }) => object,
  name: ({ object }) => object,
  document: ({ object, what, repaired, remedy }) => ({ object, what, repaired, remedy: remedy ?? null }),
};
