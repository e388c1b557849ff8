/** What the plugin asks of Docker's engine API besides containers by name: lists, and what happens, as it happens. */
import { request } from "node:http";
import * as z from "zod/mini";
import { within } from "../base/within.ts";
import { RuntimeUnavailable } from "./container.ts";
import { dockerTarget } from "./docker.ts";
import { type HttpAnswer, type HttpTarget, connectionError, getJson } from "./http.ts";
import type { Places } from "./places.ts";

const id = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const attachments = z.record(
  z.string(),
  z.object({
    NetworkID: z.string(),
    /** Empty while the container does not run, unless Docker was killed. */
    EndpointID: z.string(),
    Aliases: z.optional(z.nullable(z.array(z.string()))),
  }),
);

const listedContainer = z.object({
  Id: id,
  /** "running", "paused", "restarting" while it has a network. */
  State: z.string(),
  NetworkSettings: z.optional(z.object({ Networks: z.optional(attachments) })),
});
const listedNetwork = z.object({ Id: id, Name: z.string(), Driver: z.string() });
const inspectedContainer = z.object({
  Id: id,
  Name: z.string(),
  State: z.object({ Pid: z.int() }),
  NetworkSettings: z.object({ SandboxKey: z.string(), Networks: attachments }),
});
const inspectedNetwork = z.object({ Id: id, Name: z.string(), Driver: z.string() });

const event = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

export type DockerEvent = z.infer<typeof event>;
export type ListedContainer = z.infer<typeof listedContainer>;
export type ListedNetwork = z.infer<typeof listedNetwork>;
export type InspectedContainer = z.infer<typeof inspectedContainer>;

/** Longer than Docker takes for anything that is only read; it answers late while it starts many containers. */
const PATIENCE_MS = 20_000;

/** All methods reject with RuntimeUnavailable when Docker does not answer as it should. */
export class DockerApi {
  readonly #target: HttpTarget;
  readonly #signal: AbortSignal;

  /** `host` as DOCKER_HOST is written. Throws RuntimeUnavailable when it cannot be used. */
  constructor(places: Places, host: string | undefined, signal: AbortSignal) {
    this.#target = dockerTarget(places, host);
    this.#signal = signal;
  }

  /** Running or not. */
  containers(): Promise<ListedContainer[]> {
    return this.#get("/containers/json?all=1", z.array(listedContainer));
  }

  networks(): Promise<ListedNetwork[]> {
    return this.#get("/networks", z.array(listedNetwork));
  }

  /** Undefined when there is none of that id. */
  container(containerId: string): Promise<InspectedContainer | undefined> {
    return this.#find(`/containers/${encodeURIComponent(containerId)}/json`, inspectedContainer);
  }

  network(networkId: string): Promise<ListedNetwork | undefined> {
    return this.#find(`/networks/${encodeURIComponent(networkId)}`, inspectedNetwork);
  }

  /**
   * Calls back with each event of containers and networks, until the stream ends. `onOpen` is called once Docker tells
   * of what happens: what is asked from then on is not older than the events.
   */
  follow(onOpen: () => void, onEvent: (event: DockerEvent) => void): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ type: ["container", "network"] }));
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(connectionError(error, "Docker's events"));
      const call = request(
        { ...this.#target, path: `/events?filters=${filters}`, signal: this.#signal, headers: { host: "localhost" } },
        (response) => {
          if (response.statusCode !== 200) {
            response.resume();
            reject(new RuntimeUnavailable(`answers ${response.statusCode} for its events`, { present: true }));
            return;
          }
          onOpen();
          let rest = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) tell(line, onEvent);
          });
          response.on("error", fail);
          response.on("end", resolve);
        },
      );
      call.on("error", fail);
      call.end();
    });
  }

  async #get<T>(path: string, schema: Schema<T>): Promise<T> {
    const found = await this.#find(path, schema);
    if (found !== undefined) return found;
    throw new RuntimeUnavailable(`has no ${path}`, { present: true });
  }

  async #find<T>(path: string, schema: Schema<T>): Promise<T | undefined> {
    const ask = (signal: AbortSignal): Promise<HttpAnswer> => getJson(this.#target, path, signal);
    const { status, body } = await within(PATIENCE_MS, [this.#signal], ask);
    if (status === 404) return undefined;
    const parsed = schema.safeParse(body);
    if (status === 200 && parsed.success) return parsed.data;
    throw new RuntimeUnavailable(`answers ${path} with ${status}, which cannot be read`, { present: true });
  }
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

function tell(line: string, onEvent: (event: DockerEvent) => void): void {
  if (line.trim() === "") return;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return;
  }
  const parsed = event.safeParse(value);
  if (parsed.success) onEvent(parsed.data);
}
