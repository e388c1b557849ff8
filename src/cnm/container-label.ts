import { isId, shortId } from "../base/id.ts";
import type { Sandbox } from "./model.ts";

/** How people call the container of a sandbox: its name, or else as they would name it on the command line. */
export function containerLabel({ runtime, containerId, containerName, namespace }: Sandbox): string {
  if (containerName !== undefined) return containerName;
  if (runtime === "pid") return `pid:${containerId}`;
  if (runtime === "netns") return namespace.path.replace(/^\/(?:var\/)?run\/netns\/(?=[^/]+$)/, "netns:");
  return isId(containerId) ? shortId(containerId) : containerId;
}
