/** Calls a plugin as dockerd does. */
import { request } from "node:http";

export interface PluginAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `POST /Type.Method` over the socket. */
export function call(socketPath: string, method: string, body: object): Promise<PluginAnswer> {
  return new Promise((resolve, reject) => {
    const post = request({ socketPath, method: "POST", path: `/${method}`, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as PluginAnswer["body"] }),
      );
    });
    post.on("error", reject);
    post.end(JSON.stringify(body));
  });
}
