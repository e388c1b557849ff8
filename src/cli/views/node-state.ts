import type { Output } from "../render/output.ts";
import type { Line } from "../render/view.ts";

export interface NodeState {
  readonly node: string;
  /** Its id in the store. */
  readonly id?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly running: boolean;
}

/** What became of this host's node: `lines` for people, its id alone for `--quiet`. */
export async function printNodeState(output: Output, lines: readonly Line[], state: NodeState): Promise<void> {
  const { node, id, pid, version, running } = state;
  const document = { node, id: id ?? null, pid: pid ?? null, version: version ?? null, running };
  await output.single({ kind: "NodeState", document }, id === undefined ? [] : [id], lines);
}
