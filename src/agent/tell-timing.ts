/** How a command tells the agent of its host how long it took, so that whoever watches over the node sees it. */
import type { Timing } from "../cnm/stopwatch.ts";
import { SystemError } from "../dataplane/libc.ts";
import { sendTo } from "../dataplane/unix-socket.ts";
import { controlSocket } from "./control-socket.ts";

/** One request, whose answer nobody waits for. That the agent does not hear it is no failure of the command. */
export function tellTiming(stateDir: string, timing: Timing): void {
  const body = JSON.stringify(timing);
  const head = `POST /timings HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  try {
    sendTo(controlSocket(stateDir), "stream", Buffer.from(head + body));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}
