import { request } from "node:http";
import { failure } from "../base/errors.ts";
import { controlSocket } from "./control-socket.ts";

/** What the agent answered; the body is JSON, or text where that is not asked for. */
export interface AgentAnswer {
  readonly status: number;
  readonly body: string;
}

const PATIENCE_MS = 5000;

/** Asks the agent of this host; undefined when none runs. Errors: `failure` when it does not answer in five seconds. */
export function agentCall(stateDir: string, method: "GET" | "POST", path: string): Promise<AgentAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: controlSocket(stateDir), method, path, timeout: PATIENCE_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(failure("the node's agent does not answer", "see its log, or stop it")));
    call.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ENOTDIR") resolve(undefined);
      else if (error.code === "EACCES") reject(failure("may not ask the node's agent", "run it as root", error));
      else reject(error.code === undefined ? error : failure(`cannot ask the node's agent: ${error.message}`));
    });
    call.end();
  });
}
