import { conflict } from "../base/errors.ts";
import type { UserError } from "../base/errors.ts";
import { isId, shortId } from "../base/id.ts";
import { isContainerName, properName, RuntimeUnavailable } from "./container.ts";
import type { Candidate, Runtime, RuntimeName } from "./container.ts";
import { getJson } from "./http.ts";
import type { HttpAnswer, HttpTarget } from "./http.ts";

/** A runtime that speaks Docker's engine API (https://docs.docker.com/reference/api/engine/), as Podman also does. */
export function engineRuntime(name: "docker" | "podman", target: HttpTarget): Runtime {
  const get = async (path: string, signal: AbortSignal): Promise<HttpAnswer> => {
    const answer = await getJson(target, path, signal);
    if (answer.local) return answer;
    throw new RuntimeUnavailable("is on another machine, whose containers cannot be reached from here", {
      present: true,
    });
  };
  return {
    name,
    async find(text, signal) {
      const { status, body } = await get(`/containers/${encodeURIComponent(text)}/json`, signal);
      if (status === 200) return [parseInspected(name, body)];
      const message = messageOf(body);
      if (status === 404 && /no such container/i.test(message)) return [];
      if (/multiple ids|more than one result/i.test(message)) throw ambiguousPrefix(name, text);
      throw unexpected(`answers ${status} ${message}`);
    },
    async list(signal) {
      const { status, body } = await get("/containers/json", signal);
      if (status !== 200 || !Array.isArray(body)) throw unexpected(`answers ${status} ${messageOf(body)}`);
      return body.map((entry) => parseListed(name, entry));
    },
  };
}

/** A container as `inspect` tells of it: `{Id, Name, State: {Pid}}`. The PID is 0 while it does not run. */
export function parseInspected(runtime: RuntimeName, value: unknown): Candidate {
  const container = record(value);
  return candidate(runtime, container["Id"], container["Name"], record(container["State"])["Pid"]);
}

/** A container as the list of running ones tells of it: `{Id, Names: ["/name"]}`, with no PID from Docker. */
export function parseListed(runtime: RuntimeName, value: unknown): Candidate {
  const container = record(value);
  const names: unknown[] = Array.isArray(container["Names"]) ? container["Names"] : [];
  return candidate(runtime, container["Id"], names[0], 0);
}

function candidate(runtime: RuntimeName, id: unknown, name: unknown, pid: unknown): Candidate {
  if (typeof id !== "string" || !isId(id)) throw unexpected("tells no container id");
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 0) throw unexpected("tells no PID");
  // Docker writes names with the slash of a long gone hierarchy.
  const plain = typeof name === "string" ? name.replace(/^\//, "") : "";
  const found = { runtime, id, pid, startCommand: `${runtime} start ${shortId(id)}` };
  return isContainerName(plain) ? { ...found, name: plain, startCommand: `${runtime} start ${plain}` } : found;
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw unexpected("does not answer as a container API does");
  return value as Record<string, unknown>;
}

/** The engine's own error text, fit to be shown in a line. */
function messageOf(body: unknown): string {
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
  return typeof message === "string" ? message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200) : "without a reason";
}

const unexpected = (message: string): RuntimeUnavailable => new RuntimeUnavailable(message, { present: true });

/** Several ids of one runtime begin with `text`. */
export const ambiguousPrefix = (runtime: RuntimeName, text: string): UserError =>
  conflict(`several containers of ${properName[runtime]} have an id that begins with ${text}`, "give more of the id");
