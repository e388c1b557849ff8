/** How fast one node publishes services, each with an address of its own, from an empty pool to a full one. */
import type { Controller } from "../../../src/cnm/controller.ts";
import { startEtcd } from "../../helpers/etcd.ts";
import type { Figure, Measured, Verdict } from "../result.ts";
import { Samples } from "../samples.ts";
import { controllerOf } from "../world.ts";

const SUBNET = "10.81.0.0/20";
/** All of a /20 but the network's own address and the broadcast address. */
const ADDRESSES = 4094;
const AT_ONCE = 16;
const PARTS = 10;

/** On an etcd of its own, which takes all of it along. */
export async function measureAllocation(): Promise<Measured> {
  const etcd = await startEtcd();
  try {
    return await fillPool(controllerOf(etcd));
  } finally {
    await etcd.stop();
  }
}

async function fillPool(controller: Controller): Promise<Measured> {
  await controller.createNetwork({ name: "allocation", subnets: [SUBNET], force: true });
  const samples = new Samples();
  const rates: number[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    const from = Math.round((part * ADDRESSES) / PARTS);
    const to = Math.round(((part + 1) * ADDRESSES) / PARTS);
    const seconds = await publishAll(controller, from, to, samples);
    const rate = (to - from) / seconds;
    rates.push(rate);
    samples.add(`services published, pool ${part * PARTS} to ${(part + 1) * PARTS} % full`, "/s", rate);
  }
  const overall = ADDRESSES / rates.reduce((seconds, rate) => seconds + ADDRESSES / PARTS / rate, 0);
  const verdicts: Verdict[] = [
    { what: `services published, ${AT_ONCE} at once`, value: overall, unit: "/s", target: { atLeast: 1000 } },
    {
      what: "the last tenth of the pool / the first",
      value: (rates.at(-1) ?? NaN) / (rates[0] ?? NaN),
      unit: "×",
      target: { atLeast: 0.8 },
    },
  ];
  const figures: readonly Figure[] = samples.figures();
  return { figures, verdicts };
}

/** Publishes the services numbered [from, to), and answers the seconds that took. */
async function publishAll(controller: Controller, from: number, to: number, samples: Samples): Promise<number> {
  let next = from;
  const began = performance.now();
  const work = async (): Promise<void> => {
    for (let mine = next++; mine < to; mine = next++)
      await samples.time("one service published, of those at once", () =>
        controller.publish(`s${mine}.allocation`, {}),
      );
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return (performance.now() - began) / 1000;
}
