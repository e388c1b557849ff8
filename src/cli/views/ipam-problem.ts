import type { IpamProblem } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";

/** What is wrong with addresses, or could be tidier. */
export const ipamProblemView: View<IpamProblem> = {
  kind: "IpamProblem",
  columns: [
    { title: "OBJECT", cell: ({ object }) => object },
    { title: "PROBLEM", cell: ({ what }) => what },
    { title: "STATE", cell: ({ state }) => state },
    { title: "REMEDY", cell: ({ remedy }) => remedy ?? "" },
  ],
  id: ({ object }) => object,
  name: ({ object }) => object,
  document: ({ object, what, state, remedy }) => ({ object, what, state, remedy: remedy ?? null }),
};
