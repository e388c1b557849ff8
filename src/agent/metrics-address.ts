import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost):(\d{1,5})$/;

/** HOST:PORT on loopback. Errors: `usage`. */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const [, host = "", port = ""] = LOOPBACK.exec(text) ?? [];
  if (host === "" || Number(port) > 65_535)
    throw usageError(`metrics address ${quote(text)} is not HOST:PORT on loopback`, "for example 127.0.0.1:9091");
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
