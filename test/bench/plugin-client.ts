/** Asks a plugin as Docker does: HTTP over a unix socket, on connections that stay, one call at a time on each. */
import { type Socket, createConnection } from "node:net";

/** Written out, since Node's own client would take a good part of the time that is measured. */
export class PluginClient {
  readonly #path: string;
  readonly #idle: Socket[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** What the plugin answers; rejects with what it says instead. */
  async call(method: string, request: object): Promise<Record<string, unknown>> {
    const socket = this.#idle.pop() ?? createConnection(this.#path);
    const body = JSON.stringify(request);
    const answer = answerOn(socket);
    socket.write(
      `POST /${method} HTTP/1.1\r\nHost: plugin\r\nAccept: application/vnd.docker.plugins.v1.2+json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const { status, text } = await answer;
    this.#idle.push(socket);
    if (status !== 200) throw new Error(`${method}: ${status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  close(): void {
    for (const socket of this.#idle) socket.destroy();
  }
}

function answerOn(socket: Socket): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const settle = (): void => {
      socket.off("data", onData).off("error", onEnd).off("close", onEnd);
    };
    const onEnd = (error?: unknown): void => {
      settle();
      reject(error instanceof Error ? error : new Error("the plugin closed the connection"));
    };
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const head = received.indexOf("\r\n\r\n");
      if (head < 0) return;
      const words = received.toString("latin1", 0, head);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(words)?.[1]);
      if (received.length < head + 4 + length) return;
      settle();
      resolve({ status: Number(words.slice(9, 12)), text: received.toString("utf8", head + 4) });
    };
    socket.on("data", onData).on("error", onEnd).on("close", onEnd);
  });
}
