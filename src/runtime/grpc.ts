import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import { RuntimeUnavailable } from "./container.ts";
import { connectionError } from "./http.ts";

/** A refusal by the server; codes as in https://grpc.io/docs/guides/status-codes/. */
export class GrpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "GrpcError";
    this.code = code;
  }
}

export interface GrpcClient {
  /** One unary call, of encoded messages. @throws GrpcError, RuntimeUnavailable */
  call(method: string, request: Buffer, metadata?: Record<string, string>): Promise<Buffer>;
  close(): void;
}

const maxMessage = 32 << 20;

/**
 * gRPC over a Unix socket, as far as unary calls need it: node:http2 costs 10 ms to load, @grpc/grpc-js 67 ms, which
 * is more than all the rest of an attach from the command line. Aborting `signal` ends every call.
 */
export async function connectGrpc(socketPath: string, signal: AbortSignal): Promise<GrpcClient> {
  const { connect } = await import("node:http2");
  signal.throwIfAborted();
  const session = connect("http://localhost", { createConnection: () => connectSocket(socketPath) });
  let broken: Error | undefined;
  session.on("error", (error) => (broken ??= error));
  const abort = (): void => session.destroy(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  return {
    async call(method, request, metadata = {}) {
      const answer = await unaryCall(session, method, request, metadata).catch((error: Error) => {
        throw connectionError(broken ?? error, socketPath);
      });
      return unframe(answer);
    },
    close() {
      signal.removeEventListener("abort", abort);
      session.destroy();
    },
  };
}

interface UnaryAnswer {
  /** The headers that hold the status: the trailers, or the first ones when a refusal comes without a body. */
  status: IncomingHttpHeaders;
  body: Buffer;
}

function unaryCall(
  session: ClientHttp2Session,
  method: string,
  request: Buffer,
  metadata: Record<string, string>,
): Promise<UnaryAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ...metadata,
      ":method": "POST",
      ":path": `/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let status: IncomingHttpHeaders = {};
    stream.on("response", (headers) => (status = headers));
    stream.on("trailers", (trailers) => (status = trailers));
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxMessage) stream.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    stream.on("error", reject);
    stream.on("close", () => resolve({ status, body: Buffer.concat(chunks) }));
    stream.end(frame(request));
  });
}

/** A message goes behind one byte that says "not compressed" and its length. */
function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function unframe({ status, body }: UnaryAnswer): Buffer {
  const code = status["grpc-status"];
  if (code === undefined) throw new RuntimeUnavailable("does not speak gRPC", { present: true });
  if (code !== "0") throw new GrpcError(Number(code), String(status["grpc-message"] ?? ""));
  const complete = body.length >= 5 && body[0] === 0 && body.readUInt32BE(1) === body.length - 5;
  if (!complete) throw new RuntimeUnavailable("answers with a broken gRPC message", { present: true });
  return body.subarray(5);
}
