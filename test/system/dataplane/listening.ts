/** A monitor of the kernel in a test's own host, and what it tells. */
import { KernelMonitor } from "../../../src/dataplane/monitor.ts";
import type { KernelEvent } from "../../../src/dataplane/monitor.ts";
import type { Table } from "../../../src/dataplane/nftables/protocol.ts";
import { until } from "../../helpers/process.ts";
import { makeTestbed } from "./netlink/testbed.ts";
import type { Testbed } from "./netlink/testbed.ts";

export interface Listening {
  readonly bed: Testbed;
  readonly monitor: KernelMonitor;
  /** Since the last one that was waited for. */
  readonly events: readonly KernelEvent[];
  /** Waits for an event, answers it, and forgets all until then. */
  heard(event: KernelEvent): Promise<KernelEvent>;
  /** Waits until the monitor has told all that happened before this call. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

export async function listen(options: { tables?: readonly Table[]; queueBytes?: number } = {}): Promise<Listening> {
  const bed = await makeTestbed();
  let events: KernelEvent[] = [];
  const monitor = new KernelMonitor({
    tables: [],
    namespace: bed.host.namespace,
    onEvents: (told) => void events.push(...told),
    ...options,
  });
  let markers = 0;
  return {
    bed,
    monitor,
    get events() {
      return events;
    },
    heard: async (event) => {
      const wanted = JSON.stringify(event);
      const at = (): number => events.findIndex((each) => JSON.stringify(each) === wanted);
      await until(wanted, () => at() !== -1);
      events = events.slice(at() + 1);
      return event;
    },
    caughtUp: async () => {
      const name = `marker${markers++}`;
      await bed.host.ip("link", "add", name, "type", "bridge");
      await until(name, () => events.some((event) => event.kind === "link" && event.name === name));
    },
    close: async () => {
      monitor.close();
      await bed.close();
    },
  };
}
