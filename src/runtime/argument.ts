import { usageError } from "../base/errors.ts";
import type { UserError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { isContainerName, runtimeNames } from "./container.ts";
import type { RuntimeName } from "./container.ts";

/** What the text of a CONTAINER argument asks for. */
export type ContainerArgument =
  | { kind: "pid"; pid: number }
  | { kind: "path"; path: string }
  | { kind: "netns"; name: string }
  | { kind: "named"; runtime: RuntimeName; name: string }
  /** Whatever bears that name: a process when it is a number, or a container of any runtime. */
  | { kind: "any"; name: string; pid?: number };

const forms =
  "give a PID, netns:NAME, a path, or a container id or name (docker:, podman:, containerd: and pid: decide)";

// Linux counts PIDs up to 2^22 (PID_MAX_LIMIT), and paths up to 4095 bytes.
const maxPid = 4_194_304;
const maxLength = 4095;

/**
 * Reads a CONTAINER argument without looking at the host.
 * @throws UserError `usage` for a text that can name nothing
 */
export function parseContainerArgument(text: string): ContainerArgument {
  if (text === "") throw usageError("the container is empty", forms);
  if (text.length > maxLength) throw invalid(text, `longer than ${maxLength} characters`);
  if (!/^[\x20-\x7e]*$/.test(text)) throw invalid(text, "only printable ASCII characters can be in it");
  if (text.startsWith("/")) return { kind: "path", path: text };

  const colon = text.indexOf(":");
  if (colon >= 0) return parsePrefixed(text, text.slice(0, colon), text.slice(colon + 1));

  if (!isContainerName(text)) throw invalid(text, "names hold letters, digits, _ . - and begin with a letter or digit");
  const pid = parsePid(text);
  return { kind: "any", name: text, ...(pid === undefined ? {} : { pid }) };
}

function parsePrefixed(text: string, prefix: string, rest: string): ContainerArgument {
  if (prefix === "pid") {
    const pid = parsePid(rest);
    if (pid === undefined) throw invalid(text, `a PID is a number from 1 to ${maxPid}`);
    return { kind: "pid", pid };
  }
  if (prefix === "netns") {
    // It becomes one component of a path: no slash, and neither "." nor ".." nor what looks like an option.
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,254}$/.test(rest))
      throw invalid(text, "not the name of a network namespace");
    return { kind: "netns", name: rest };
  }
  const runtime = runtimeNames.find((name) => name === prefix);
  if (runtime === undefined) throw invalid(text, "no such prefix");
  if (!isContainerName(rest)) throw invalid(text, "not a container id or name");
  return { kind: "named", runtime, name: rest };
}

function parsePid(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) return undefined;
  const pid = Number(text);
  return pid <= maxPid ? pid : undefined;
}

function invalid(text: string, why: string): UserError {
  return usageError(`${quote(text)} names no container: ${why}`, forms);
}
