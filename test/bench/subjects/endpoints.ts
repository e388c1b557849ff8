/**
 * What the second, the hundredth and the thousandth endpoint of a host cost to attach. Comes last: the thousand stay
 * until the bench's own namespaces go.
 */
import { type Figure, type Measured, ratio } from "../result.ts";
import { interleave } from "../samples.ts";
import { type World, makeNamespaces } from "../world.ts";

/** The first is the second of the host, so that its network and the firewall stand. */
const SIZES = [2, 100, 1000];
const ROUNDS = 20;

export async function measureEndpoints(world: World): Promise<Measured> {
  const { controller } = world;
  const names = Array.from({ length: Math.max(...SIZES) }, (_, index) => `endpoint-${index}`);
  makeNamespaces(names);
  await controller.createNetwork({ name: "endpoints" });
  for (const name of names) await controller.publish(`${name}.endpoints`, {});
  const figures: Figure[] = [];
  let attached = 0;
  for (const size of SIZES) {
    for (; attached < size - 1; attached += 1)
      await controller.attach(`netns:endpoint-${attached}`, `endpoint-${attached}.endpoints`);
    figures.push(...(await measureNext(world, `endpoint-${attached}`, size)));
  }
  const first = SIZES[0] ?? 1;
  const compare = (what: (size: number) => string): Measured["verdicts"] =>
    SIZES.slice(1).map((size) => ratio(figures, what(size), what(first), { atMost: 1.3 }));
  return { figures, verdicts: [...compare(inProcess), ...compare(byCommand)] };
}

const inProcess = (size: number): string => `attach in process, endpoint ${size} of the host`;
const byCommand = (size: number): string => `calicoctl service attach, endpoint ${size} of the host`;

/** Attaches and detaches the next one, again and again. */
function measureNext({ controller, calicoctl }: World, name: string, size: number): Promise<Figure[]> {
  const [container, service] = [`netns:${name}`, `${name}.endpoints`];
  return interleave(ROUNDS, [
    async (samples) => {
      await samples.time(inProcess(size), () => controller.attach(container, service));
      await controller.detach(undefined, service);
    },
    async (samples) => {
      await samples.time(byCommand(size), () => calicoctl("service", "attach", container, service));
      await controller.detach(undefined, service);
    },
  ]);
}
