import { argument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { launcher } from "../../launcher.ts";
import { flag, text } from "../../options.ts";
import { absolute } from "../../settings.ts";
import { mustBeRoot, nodeOptions, readNodeOptions } from "./node-options.ts";

export const nodeService = defineCommand({
  path: ["node", "service"],
  summary: "Make this host's node a service of systemd, or undo that",
  description:
    "install writes the unit calicoctl-node.service, which starts the node with the options that calicoctl node start " +
    "would use here and now; after a change, install it again. Where systemd runs, the service is enabled and started, " +
    "and takes over from a node that runs already. uninstall stops it and takes the unit away; containers stay " +
    "connected.",
  arguments: { action: argument("ACTION", "install or uninstall", { choices: ["install", "uninstall"] }) },
  options: {
    ...nodeOptions,
    force: flag("even if somebody else has made the unit"),
    root: text("DIR", "below that directory, for an image that is being built", { completes: "directory" }),
  },
  examples: [
    { command: "calicoctl node service install", does: "from now on at every boot" },
    { command: "calicoctl node service uninstall", does: "no more" },
  ],
  async run({ settings, output }, { action }, { force, root = "/", ...given }) {
    mustBeRoot("a service");
    const where = { force, root: absolute({ value: root, from: "--root" }) };
    const { installService, uninstallService } = await import("../../../agent/service/service.ts");
    const install = async (): Promise<ReturnType<typeof installService>> => {
      const { nodeArguments } = await import("../../../agent/process/options.ts");
      const options = readNodeOptions(await settings(), given);
      const { dockerHost } = options;
      const facts = {
        command: [process.execPath, launcher(), ...nodeArguments(options)],
        environment: dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost },
      };
      return installService(facts, options.stateDir, where);
    };
    const { unit, active } = await (action === "install" ? install() : uninstallService(where));
    await output.single(
      { kind: "NodeService", document: { unit, active } },
      [unit],
      [
        ["Unit", action === "install" ? unit : `${unit} (removed)`],
        ["Service", active ? "running" : action === "install" ? "not started: systemd does not run here" : undefined],
      ],
    );
  },
});
