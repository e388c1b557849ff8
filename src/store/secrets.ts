import { readFileSync } from "node:fs";
import { failure } from "../base/errors.ts";

/** The password without the line end that editors leave. */
export function readPassword(path: string): string {
  const password = readSecret(path)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "") throw failure(`the etcd password file ${path} is empty`, "write the password into it");
  return password;
}

/** The bytes of a file. UserError `failure` that names it. */
export function readSecret(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw failure(`${path} cannot be read`, "check the path and its permissions", cause);
  }
}
