/** What the command reference tells besides the commands. */

interface Setting {
  readonly variables?: readonly string[];
  readonly inFile?: string;
}

export const general: {
  readonly sources: string;
  readonly settings: Readonly<Record<string, Setting>>;
  readonly file: string;
  readonly output: string;
  readonly forms: readonly (readonly string[])[];
  readonly more: string;
  readonly exitCodes: Readonly<Record<string, string>>;
} = {
  sources:
    "These options stand before the command or after it. An option beats the environment, which beats the " +
    "configuration file, which beats the default: the etcd of this host's node, or else `http://127.0.0.1:2379`, state " +
    "in `/run/calico`, and the name of this host's node, or else of the host.",
  settings: {
    etcdEndpoints: { variables: ["ETCD_ENDPOINTS"], inFile: "etcd.endpoints" },
    etcdCaCertFile: { variables: ["ETCD_CA_CERT_FILE"], inFile: "etcd.caCertFile" },
    etcdCertFile: { variables: ["ETCD_CERT_FILE"], inFile: "etcd.certFile" },
    etcdKeyFile: { variables: ["ETCD_KEY_FILE"], inFile: "etcd.keyFile" },
    etcdUsername: { variables: ["ETCD_USERNAME"], inFile: "etcd.username" },
    etcdPasswordFile: { variables: ["ETCD_PASSWORD_FILE"], inFile: "etcd.passwordFile" },
    stateDir: { variables: ["CALICO_STATE_DIR"], inFile: "stateDir" },
    node: { variables: ["CALICO_NODENAME", "HOSTNAME"], inFile: "node" },
  },
  file: `Further variables: \`ETCD_AUTHORITY\` (\`host:port\`) with \`ETCD_SCHEME\` (\`http\` or \`https\`), where there is no
\`ETCD_ENDPOINTS\`; \`NO_DEFAULT_POOLS\`, so that no default pools are made; \`DOCKER_HOST\`; \`CALICO_PLUGIN_ROOT\` and
\`CALICO_PLUGIN_TIMEOUT\` ([drivers.md](../drivers.md)); \`NO_COLOR\`; \`CALICO_DEBUG=1\`,
which adds the stack to what is a bug.

The configuration file is \`/etc/calico/calicoctl.yaml\`; a key that is not known is an error. Paths in it are relative to
its directory.

\`\`\`yaml
apiVersion: v1
etcd:
  endpoints:
    - https://10.0.0.1:2379
    - https://10.0.0.2:2379
  caCertFile: ca.pem
  username: calico
  passwordFile: /etc/calico/etcd-password
node: worker-1
stateDir: /run/calico
\`\`\``,
  output: `stdout carries data alone; warnings and errors go to stderr.`,
  forms: [
    ["`table`", "columns for people, cut to the width of a terminal"],
    ["`wide`", "more columns"],
    [
      "`json`, `yaml`",
      '`{"schemaVersion": 1, "kind": "NetworkList", "items": […]}` with full ids; `info` and `show` too',
    ],
    ["`name`", "one name a line, as other commands take it"],
  ],
  more: `\`--quiet\` prints ids alone. An error is one line, with a hint on the next; with \`-o json\` it is
\`{"error": {"code", "message", "hint"}}\`. A command that takes several objects does each of them, reports each failure,
and exits with the first one's code.`,
  exitCodes: {
    failure: "failure",
    usage: "bad input; nothing was changed",
    "not-found": "there is no such object",
    conflict: "the state forbids it: exists, in use, already attached",
    "store-unreachable": "etcd cannot be reached",
    "check-failed": "a check found something wrong: `check`, `checksystem`, `ipam check`, `status`",
    timeout: "`--timeout` ran out",
    interrupted: "interrupted (SIGINT)",
  },
};
