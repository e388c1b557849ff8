/**
 * The configuration file:
 *
 *     apiVersion: v1
 *     etcd:
 *       endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379]
 *       caCertFile: /etc/calico/ca.pem      # also certFile, keyFile, username, passwordFile
 *     node: worker-1
 *     stateDir: /run/calico
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type * as Yaml from "yaml";
import type { UserError } from "../base/errors.ts";
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

/** A setting, and where it came from for the message when it is wrong. */
export interface Sourced {
  readonly value: string;
  readonly from: string;
}

type EtcdKey = "endpoints" | "caCertFile" | "certFile" | "keyFile" | "username" | "passwordFile";
export type ConfigFile = Readonly<Partial<Record<EtcdKey | "node" | "stateDir", Sourced>>>;

const topKeys = ["apiVersion", "etcd", "node", "stateDir"];
const etcdKeys: readonly EtcdKey[] = ["endpoints", "caCertFile", "certFile", "keyFile", "username", "passwordFile"];
const apiVersions = ["v1"];

/**
 * Everything in the file must be known and be text; paths are relative to the file's own directory.
 * Throws UserError `usage` that names the file, the line and the key.
 */
export async function readConfigFile(path: string, { optional = false } = {}): Promise<ConfigFile> {
  const source = read(path, optional);
  if (source === undefined) return {};
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) throw usageError(`${path}:${lines.linePos(broken.pos[0]).line}: ${broken.message}`);
  if (document.contents === null) return {};
  const reader = new Reader(path, lines, yaml);
  const top = reader.entries(document.contents, "the file", topKeys);
  const apiVersion = top.get("apiVersion");
  if (apiVersion === undefined) throw usageError(`${path}: apiVersion is missing`, `begin with "apiVersion: v1"`);
  const version = reader.text(apiVersion, "apiVersion");
  if (!apiVersions.includes(version.value))
    throw usageError(`${version.from}: ${quote(version.value)} is not known`, "this calicoctl reads v1");
  const etcd = top.get("etcd");
  const found: Partial<Record<EtcdKey | "node" | "stateDir", Sourced>> = {};
  const settings = etcd === undefined ? [] : [...reader.entries(etcd, "etcd", etcdKeys)];
  for (const [key, node] of settings) {
    const name = key as EtcdKey;
    const value = name === "endpoints" ? reader.texts(node, `etcd.${key}`) : reader.text(node, `etcd.${key}`);
    found[name] = name.endsWith("File") ? { ...value, value: resolve(dirname(path), value.value) } : value;
  }
  for (const key of ["node", "stateDir"] as const) {
    const node = top.get(key);
    if (node !== undefined) found[key] = reader.text(node, key);
  }
  return found;
}

function read(path: string, optional: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (optional && code === "ENOENT") return undefined;
    throw usageError(`cannot read the configuration file ${path} (${code})`);
  }
}

/** Walks the document with an eye on the lines, which a plain parse would lose. */
class Reader {
  readonly #path: string;
  readonly #lines: Yaml.LineCounter;
  readonly #yaml: typeof Yaml;

  constructor(path: string, lines: Yaml.LineCounter, yaml: typeof Yaml) {
    this.#path = path;
    this.#lines = lines;
    this.#yaml = yaml;
  }

  entries(node: unknown, what: string, known: readonly string[]): Map<string, unknown> {
    if (!this.#yaml.isMap(node)) throw this.#wrong(node, `${what} is not a mapping of keys to values`);
    const entries = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = this.#yaml.isScalar(key) ? String(key.value) : "?";
      if (!known.includes(name))
        throw this.#wrong(key, `${quote(name)} is not known in ${what}`, `known are ${known.join(", ")}`);
      entries.set(name, value);
    }
    return entries;
  }

  text(node: unknown, key: string): Sourced {
    if (!this.#yaml.isScalar(node) || typeof node.value !== "string" || node.value === "")
      throw this.#wrong(node, `${key} is not text`);
    return { value: node.value, from: `${this.#at(node)} ${key}` };
  }

  /** One text or a list of them, joined by commas. */
  texts(node: unknown, key: string): Sourced {
    if (!this.#yaml.isSeq(node)) return this.text(node, key);
    if (node.items.length === 0) throw this.#wrong(node, `${key} is empty`);
    const values = node.items.map((item) => this.text(item, key).value);
    return { value: values.join(","), from: `${this.#at(node)} ${key}` };
  }

  #wrong(node: unknown, message: string, hint?: string): UserError {
    return usageError(`${this.#at(node)}: ${message}`, hint);
  }

  #at(node: unknown): string {
    const start = (node as Yaml.Node | null)?.range?.[0];
    return start === undefined ? this.#path : `${this.#path}:${this.#lines.linePos(start).line}`;
  }
}
