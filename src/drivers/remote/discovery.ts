/** Where a plugin listens, by Docker's rules: a socket of its name, or a file that says where. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { failure, usageError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";

/** Where plugins are looked for, and how long one is waited for. */
export interface PluginSettings {
  /** The directory that stands for `/`. */
  readonly root: string;
  /** For one call with all its retries. */
  readonly patienceMs: number;
}

export interface PluginAddress {
  /** What told of it: the socket, or the file. */
  readonly source: string;
  readonly target: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Absent where nothing is encrypted. */
  readonly tls?: PluginTls;
}

/** Paths of files in PEM. Without a CA the system's own are believed. */
export interface PluginTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly insecure: boolean;
}

const SOCKETS = "/run/docker/plugins";
const FILES = ["/etc/docker/plugins", "/usr/lib/docker/plugins"];
const DEFAULT_PATIENCE_S = 30;
const MOST_BYTES = 64 << 10;

/** CALICO_PLUGIN_ROOT and CALICO_PLUGIN_TIMEOUT (seconds). Errors: `usage` for a time that is none. */
export function pluginSettings(env: NodeJS.ProcessEnv): PluginSettings {
  const text = env["CALICO_PLUGIN_TIMEOUT"] || String(DEFAULT_PATIENCE_S);
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0) throw usageError(`CALICO_PLUGIN_TIMEOUT: ${quote(text)} is not a number of seconds above 0`);
  return { root: env["CALICO_PLUGIN_ROOT"] || "/", patienceMs: seconds * 1000 };
}

/** A name of a plugin: it becomes a part of paths. */
export const isPluginName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name);

/** Where plugins were looked for, as a hint. */
export const searched = (name: string): string =>
  `a plugin listens at ${SOCKETS}/${name}.sock, or ${FILES.join(" or ")} tells where, in ${name}.spec or ${name}.json`;

/** Undefined when there is no plugin of that name. Errors: `failure` for a file that cannot be made sense of. */
export function findPlugin(name: string, root: string): PluginAddress | undefined {
  if (!isPluginName(name)) return undefined;
  for (const path of candidates(join(root, SOCKETS), name, "sock"))
    if (isSocket(path)) return { source: path, target: { socketPath: path } };
  for (const folder of FILES)
    for (const kind of ["spec", "json"] as const)
      for (const path of candidates(join(root, folder), name, kind)) {
        const text = read(path);
        if (text !== undefined) return kind === "spec" ? fromUrl(path, text.trim()) : fromJson(path, text);
      }
  return undefined;
}

const candidates = (folder: string, name: string, kind: string): string[] => [
  join(folder, `${name}.${kind}`),
  join(folder, name, `${name}.${kind}`),
];

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) return undefined;
    if (stat.size > MOST_BYTES) throw new Error("it is too long");
    return readFileSync(path, "utf8");
  } catch (error) {
    throw failure(`cannot read ${path}: ${(error as Error).message}`, "it says where a plugin listens", error);
  }
}

// By hand, since every command that needs the kernel loads this, and hardly one needs the schemas of the protocol.
function fromJson(path: string, text: string): PluginAddress {
  const held = parse(path, text);
  const addr = textIn(path, held, "Addr");
  if (addr === undefined) throw failure(`${path}: Addr is missing`, "it says where a plugin listens");
  const tls = valueIn(held, "TLSConfig");
  return fromUrl(path, addr, {
    caFile: textIn(path, tls, "CAFile"),
    certFile: textIn(path, tls, "CertFile"),
    keyFile: textIn(path, tls, "KeyFile"),
    insecure: valueIn(tls, "InsecureSkipVerify") === true,
    asked: typeof tls === "object" && tls !== null,
  });
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw failure(`${path}: it is not JSON`, "it says where a plugin listens");
  }
}

/** By its key in any case, as Go reads it. */
const valueIn = (held: unknown, name: string): unknown =>
  typeof held === "object" && held !== null
    ? Object.entries(held).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    : undefined;

function textIn(path: string, held: unknown, name: string): string | undefined {
  const value = valueIn(held, name) ?? "";
  if (typeof value !== "string" || value.length > 4096 || /\p{Cc}/u.test(value))
    throw failure(`${path}: ${name} is not text of one line`, "it says where a plugin listens");
  return value === "" ? undefined : value;
}

/** `unix:///path`, `tcp://host:port`, `http://host:port` or `https://host:port`. */
function fromUrl(
  path: string,
  text: string,
  { asked = false, ...tls }: PluginTls & { asked?: boolean } = plain,
): PluginAddress {
  const [, scheme = "", rest = ""] = /^(unix|tcp|https?):\/\/(.*)$/.exec(text) ?? [];
  if (scheme === "unix" && /^\/[\x20-\x7e]+$/.test(rest)) return { source: path, target: { socketPath: rest } };
  const [, bare, bracketed, port] = /^(?:([A-Za-z0-9.-]+)|\[([0-9a-fA-F:]+)\]):(\d{1,5})\/?$/.exec(rest) ?? [];
  const host = bare ?? bracketed;
  if (scheme === "unix" || scheme === "" || host === undefined || Number(port) < 1 || Number(port) > 65535)
    throw failure(
      `${path}: ${quote(text)} is not the address of a plugin`,
      "for example unix:///run/plugin.sock or tcp://127.0.0.1:9000",
    );
  const target = { host, port: Number(port) };
  return asked || scheme === "https" ? { source: path, target, tls } : { source: path, target };
}

const plain: PluginTls = { insecure: false };
