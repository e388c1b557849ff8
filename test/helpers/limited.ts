/** Command lines that run another one with less than a root on a good disk has. They only prefix it. */
export type Limit = (command: readonly string[]) => string[];

/** As a user who is nobody in particular. */
export const unprivileged: Limit = (command) => [
  ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all"],
  ...command,
];

/** As a root without one capability, such as `net_admin`, as in most containers. */
export const withoutCapability =
  (name: string): Limit =>
  (command) => ["setpriv", "--bounding-set", `-${name}`, ...command];

/** With a file system of its own at `folder`, which nobody else sees. `options` are those of tmpfs: `ro`, `size=4k`. */
export const withMount =
  (folder: string, options: string): Limit =>
  (command) =>
    inMountNamespace(options, folder, "true", command);

/** The same, where every block is taken and there are inodes left. */
export const withFullDisk =
  (folder: string): Limit =>
  (command) =>
    inMountNamespace("size=4k", folder, 'head -c 4096 /dev/zero > "$1/all"', command);

const inMountNamespace = (options: string, folder: string, fill: string, command: readonly string[]): string[] => {
  const script = `mkdir -p "$1" && mount -t tmpfs -o "mode=0700,$0" tmpfs "$1" && ${fill} && shift && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, options, folder, ...command];
};
