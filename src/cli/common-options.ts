/** The options that every command has. */
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { Option } from "./options.ts";
import { flag, text } from "./options.ts";

export const formats = ["table", "wide", "json", "yaml", "name"] as const;
export type Format = (typeof formats)[number];

/** How a command prints and how long it may take. */
export const commonOptions = {
  output: {
    ...text("FORMAT", `print as ${formats.join(", ")}`, { short: "o", choices: formats }),
    read: (raw) => {
      const format = formats.find((known) => known === raw);
      if (raw !== undefined && format === undefined)
        throw usageError(`--output: ${quote(String(raw))} is none of ${formats.join(", ")}`);
      return format;
    },
  } satisfies Option<Format | undefined>,
  quiet: flag("print ids alone", { short: "q" }),
  timeout: {
    ...text("SECONDS", "give up after this long (exit code 124)"),
    read: (raw, name) => {
      if (typeof raw !== "string") return undefined;
      const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(raw) ? Number(raw) : 0;
      if (seconds <= 0) throw usageError(`${name}: ${quote(raw)} is not a number of seconds above 0`);
      return seconds;
    },
  } satisfies Option<number | undefined>,
};

/** Which store, which node: the same for every command, and accepted before it as well as after it. */
export const globalOptions = {
  etcdEndpoints: text("URLS", "etcd's client URLs, separated by commas"),
  etcdCaCertFile: text("FILE", "certificate authority of etcd's server certificate", { completes: "file" }),
  etcdCertFile: text("FILE", "client certificate for etcd", { completes: "file" }),
  etcdKeyFile: text("FILE", "key of the client certificate", { completes: "file" }),
  etcdUsername: text("NAME", "etcd user"),
  etcdPasswordFile: text("FILE", "file that holds the etcd user's password", { completes: "file" }),
  config: text("FILE", "configuration file in place of /etc/calico/calicoctl.yaml", { completes: "file" }),
  stateDir: text("DIR", "where locks and local state are kept", { completes: "directory" }),
  node: text("NAME", "name of this node in the store"),
};
