import type { AgentReport } from "../../agent/report.ts";
import type { Line } from "../render/view.ts";
import { when } from "./common.ts";

export const statusDocument = (report: AgentReport): object => ({
  node: report.node,
  id: report.id ?? null,
  version: report.version,
  pid: report.pid,
  startedAt: report.startedAt,
  readyAt: report.readyAt ?? null,
  ready: report.ready,
  healthy: report.healthy,
  components: report.components,
  sandboxes: report.sandboxes,
  endpoints: report.endpoints,
  backlog: report.backlog,
  repaired: report.repaired,
  lastTrouble: report.lastTrouble ?? null,
});

export const statusLines = (report: AgentReport): Line[] => [
  ["Node", report.node],
  ["Node Id", report.id],
  ["Agent", `version ${report.version}, process ${report.pid}`],
  ["Endpoints", `${report.endpoints} in ${report.sandboxes} sandboxes`],
  ["Repaired", `${report.repaired} since the agent started`],
  {
    label: "Parts",
    titles: ["PART", "STATE", "DETAIL"],
    rows: report.components.map(({ name, healthy, what }) => [name, healthy ? "well" : "not well", what]),
  },
  ["Last Trouble", report.lastTrouble && troubleText(report.lastTrouble)],
];

const troubleText = ({ time, object, what, remedy }: NonNullable<AgentReport["lastTrouble"]>): string =>
  `${when(time)} ${object} ${what}${remedy === undefined ? "" : ` (to do: ${remedy})`}`;
