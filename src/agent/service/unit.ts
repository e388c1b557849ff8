/** The unit by which systemd runs a node: systemd.service(5), systemd.syntax(7). */
import { usageError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";

export const unitName = "calicoctl-node.service";

/** By this first line a unit is known as one of ours. */
const MARK = "# Made by: calicoctl node service install";

export const isOurs = (unit: string): boolean => unit.startsWith(MARK);

export interface UnitFacts {
  /** The program with absolute path, and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The unit as text. Only the node itself is ended with it (KillMode): its own etcd is stopped by it, and when it is
 * killed, goes on for the next one. UserError `usage` for text that no unit can hold.
 */
export function unitText({ command, environment }: UnitFacts): string {
  const settings = Object.entries(environment).map(([name, value]) => `Environment=${word(`${name}=${value}`, "%")}`);
  return `${MARK}
[Unit]
Description=Calico node: networks of containers
After=network.target etcd.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command.map((one) => word(one, "%$")).join(" ")}
${settings.map((line) => `${line}\n`).join("")}Restart=always
RestartSec=1
WatchdogSec=30
TimeoutStartSec=infinity
TimeoutStopSec=30
KillMode=process

[Install]
WantedBy=multi-user.target
`;
}

/** Between quotes where it needs them; what systemd would replace (`doubled`) stands for itself when it comes twice. */
function word(text: string, doubled: "%" | "%$"): string {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw usageError(`${quote(text)} cannot stand in a unit of systemd`);
  const literal = text.replaceAll(/[%$]/g, (sign) => (doubled.includes(sign) ? sign + sign : sign));
  return /^[\w@%:,./=+-]+$/.test(literal) ? literal : `"${literal.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
