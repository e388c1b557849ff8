import { conflict, failure, notFound } from "../base/errors.ts";
import type { UserError } from "../base/errors.ts";
import type { Answer } from "./ask.ts";
import { properName } from "./container.ts";
import type { Candidate, RuntimeName, RuntimeUnavailable } from "./container.ts";

/**
 * Several containers are meant. Names every form that decides: by runtime where each has one, else by the whole id, or
 * by PID where ids are equal.
 */
export function ambiguous(name: string, candidates: readonly Candidate[], otherForms: readonly string[]): UserError {
  const forms = candidates.flatMap(({ runtime, id, pid }) => {
    const siblings = candidates.filter((other) => other.runtime === runtime);
    if (siblings.length === 1) return [`${runtime}:${name}`];
    if (siblings.filter((other) => other.id === id).length === 1) return [`${runtime}:${id}`];
    return pid > 0 ? [`pid:${pid}`] : [];
  });
  return conflict(`${name} is ambiguous`, `say which: ${[...otherForms, ...forms].join(" or ")}`);
}

const listHint: Record<RuntimeName, string> = {
  docker: "see the containers with: docker ps --all",
  podman: "see the containers with: podman ps --all",
  containerd: "see the containers with: ctr --namespace NAMESPACE containers list",
};

/** The one runtime that was named does not know it. */
export const unknownTo = (runtime: RuntimeName, name: string): UserError =>
  notFound(`${properName[runtime]} has no container ${name}`, listHint[runtime]);

const startHint: Record<RuntimeName, string> = {
  docker: "is it running? systemctl start docker, or set DOCKER_HOST to where it listens; root may use its socket",
  podman: "is it installed? systemctl start podman.socket; root may use its socket",
  containerd: "is it running? systemctl start containerd; root may use its socket",
};

/** The one runtime that was named gives no answer. */
export const unreachable = (runtime: RuntimeName, why: RuntimeUnavailable): UserError =>
  failure(`${properName[runtime]} cannot be asked: ${why.message}`, startHint[runtime], why);

/** Nobody that was asked knows it. Says who was asked, and who did not answer. */
export function nowhere(name: string, pid: number | undefined, answers: readonly Answer[]): UserError {
  const asked = answers.filter(({ found }) => found !== undefined).map(({ runtime }) => properName[runtime]);
  const silent = answers.flatMap(({ runtime, why }) =>
    why?.present ? [`${properName[runtime]}: ${why.message}`] : [],
  );
  const where = [
    ...(pid === undefined ? [] : ["no such process"]),
    asked.length > 0 ? `not in ${asked.join(", ")}` : "no container runtime answers",
    ...silent,
  ];
  return notFound(
    `no container ${name} (${where.join("; ")})`,
    "give a container that runs, a PID, netns:NAME or a path",
  );
}
