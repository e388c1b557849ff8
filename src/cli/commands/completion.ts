import { argument } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { completionScript, shells } from "../completion/scripts.ts";

export const completion = defineCommand({
  path: ["completion"],
  summary: "Print the completion script of a shell",
  description: "Names of networks, services and containers are looked up while you type.",
  arguments: { shell: argument("SHELL", shells.join(", "), { choices: shells }) },
  options: {},
  examples: [
    { command: "source <(calicoctl completion bash)", does: "for this bash" },
    { command: "calicoctl completion zsh > /usr/local/share/zsh/site-functions/_calicoctl", does: "for every zsh" },
    { command: "calicoctl completion fish > ~/.config/fish/completions/calicoctl.fish", does: "for your fish" },
  ],
  async run({ output }, { shell }) {
    output.text(completionScript(shell));
  },
});
