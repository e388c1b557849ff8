import { conntrackRow, clockRow, forwardingRow, ipv6Row, spaceRow } from "./settings.ts";
import { featureRows, kernelVersionRow } from "./kernel.ts";
import { privilegeRows } from "./privileges.ts";
import { engineRows, programRows } from "./programs.ts";
import type { SystemRow } from "./row.ts";

export interface CheckedPlaces {
  readonly stateDir: string;
  readonly etcdDataDir: string;
  readonly dockerHost?: string | undefined;
  /** The launcher of this program. */
  readonly program: string;
}

/** What a node needs of this host, and how the host stands. Changes nothing on it. */
export async function checkSystem({ stateDir, etcdDataDir, dockerHost, program }: CheckedPlaces): Promise<SystemRow[]> {
  const [features, programs] = [await featureRows(), await programRows()];
  return [
    ...privilegeRows(),
    kernelVersionRow(),
    ...features,
    ipv6Row(),
    forwardingRow(),
    conntrackRow(),
    ...programs,
    ...engineRows(dockerHost),
    clockRow(program),
    spaceRow("state directory", stateDir, "--state-dir"),
    spaceRow("etcd's data", etcdDataDir, "--etcd-data-dir"),
  ];
}
