import { existsSync, readdirSync } from "node:fs";
import { isId, isIdPrefix } from "../base/id.ts";
import { isContainerName, RuntimeUnavailable } from "./container.ts";
import type { Candidate, Runtime } from "./container.ts";
import { connectGrpc, GrpcError } from "./grpc.ts";
import type { GrpcClient } from "./grpc.ts";
import type { Places } from "./places.ts";
import { decodeFields, encodeString, messagesOf, numberOf, stringOf } from "./protobuf.ts";

/** nerdctl keeps the name that people gave in this label; containerd itself knows ids only. */
const nameLabel = "nerdctl/name";

/** The namespace of Docker's own containers. */
const dockersNamespace = "moby";

/** codes.NotFound of gRPC. */
const notFoundCode = 5;

/** STOPPED of containerd.v1.types.Status. */
const stopped = 3;

/**
 * containerd, in all its namespaces. Unless the person named it, it is left alone while it runs nothing but Docker's
 * containers, as on most hosts: Docker tells the same, and HTTP/2 takes 15 ms to load. Field numbers are those of containerd's api/services/{namespaces,containers,
 * tasks}/v1 and api/types/task.
 */
export function containerdRuntime(places: Places, options: { named: boolean }): Runtime {
  const inEveryNamespace = (signal: AbortSignal, ask: Ask): Promise<Candidate[]> => {
    if (!existsSync(places.containerdSocket)) throw absent(`no socket at ${places.containerdSocket}`);
    if (!options.named && runsOnlyDockers(places)) throw absent("runs nothing but Docker's containers");
    return askEveryNamespace(places.containerdSocket, signal, ask);
  };
  return {
    name: "containerd",
    find: async (text, signal) =>
      inEveryNamespace(signal, async (client, namespace) => {
        const containers = await findContainers(client, namespace, text);
        return Promise.all(
          containers.map(async (container): Promise<Candidate> => ({
            ...container,
            runtime: "containerd",
            pid: await taskPid(client, namespace, container.id),
            startCommand: `ctr --namespace ${namespace} tasks start ${container.id}`,
          })),
        );
      }),
    list: async (signal) =>
      inEveryNamespace(signal, async (client, namespace) => {
        const answer = await client.call("containerd.services.tasks.v1.Tasks/List", Buffer.alloc(0), inside(namespace));
        return messagesOf(decodeFields(answer), 1)
          .map(parseTask)
          .filter(({ id, pid }) => isContainerName(id) && pid > 0)
          .map(({ id, pid }): Candidate => ({
            runtime: "containerd",
            id,
            pid,
            startCommand: `ctr --namespace ${namespace} tasks start ${id}`,
          }));
      }),
  };
}

type Ask = (client: GrpcClient, namespace: string) => Promise<Candidate[]>;

/** Where the directory is missing, containerd keeps its tasks elsewhere, and has to be asked. */
function runsOnlyDockers(places: Places): boolean {
  return (
    existsSync(places.containerdTasks) &&
    readdirSync(places.containerdTasks).every((namespace) => namespace === dockersNamespace)
  );
}

async function askEveryNamespace(socketPath: string, signal: AbortSignal, ask: Ask): Promise<Candidate[]> {
  const client = await connectGrpc(socketPath, signal);
  try {
    const answer = await client.call("containerd.services.namespaces.v1.Namespaces/List", Buffer.alloc(0));
    const namespaces = messagesOf(decodeFields(answer), 1)
      .map((namespace) => stringOf(decodeFields(namespace), 1))
      .filter(isContainerName);
    return (await Promise.all(namespaces.map((namespace) => ask(client, namespace)))).flat();
  } catch (error) {
    if (error instanceof GrpcError)
      throw unexpected(`refuses: ${error.message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200)}`);
    if (error instanceof RangeError) throw unexpected("answers with a malformed message");
    throw error;
  } finally {
    client.close();
  }
}

async function findContainers(
  client: GrpcClient,
  namespace: string,
  text: string,
): Promise<Pick<Candidate, "id" | "name">[]> {
  // The text is a checked container name: of all that it may hold, only the dot means something to a filter.
  const filters = [`id==${JSON.stringify(text)}`, `labels.${JSON.stringify(nameLabel)}==${JSON.stringify(text)}`];
  if (isIdPrefix(text)) filters.push(`id~=${JSON.stringify(`^${text}`)}`);
  const request = Buffer.concat(filters.map((filter) => encodeString(1, filter)));
  const answer = await client.call("containerd.services.containers.v1.Containers/List", request, inside(namespace));
  return messagesOf(decodeFields(answer), 1)
    .map(parseContainer)
    .filter(({ id, name }) => id === text || name === text || isId(id));
}

function parseContainer(message: Buffer): Pick<Candidate, "id" | "name"> {
  const fields = decodeFields(message);
  const id = stringOf(fields, 1);
  if (!isContainerName(id)) throw unexpected("tells no container id");
  const labels = messagesOf(fields, 2).map((entry) => decodeFields(entry));
  const name = labels.filter((label) => stringOf(label, 1) === nameLabel).map((label) => stringOf(label, 2))[0];
  return { id, ...(name !== undefined && isContainerName(name) ? { name } : {}) };
}

/** The PID of a container's first process; 0 when it has none, or none any more. */
async function taskPid(client: GrpcClient, namespace: string, id: string): Promise<number> {
  try {
    const request = encodeString(1, id);
    const answer = await client.call("containerd.services.tasks.v1.Tasks/Get", request, inside(namespace));
    return messagesOf(decodeFields(answer), 1).map(parseTask)[0]?.pid ?? 0;
  } catch (error) {
    if (error instanceof GrpcError && error.code === notFoundCode) return 0;
    throw error;
  }
}

function parseTask(message: Buffer): { id: string; pid: number } {
  const fields = decodeFields(message);
  return { id: stringOf(fields, 2), pid: numberOf(fields, 4) === stopped ? 0 : numberOf(fields, 3) };
}

const inside = (namespace: string): Record<string, string> => ({ "containerd-namespace": namespace });

const unexpected = (message: string): RuntimeUnavailable => new RuntimeUnavailable(message, { present: true });

const absent = (message: string): RuntimeUnavailable => new RuntimeUnavailable(message, { present: false });
