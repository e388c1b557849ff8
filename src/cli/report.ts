import { UserError } from "../base/errors.ts";
import { printable } from "../base/quote.ts";

export interface ReportStyle {
  /** `{"error":{…}}` on one line, for programs. */
  readonly json: boolean;
  /** With the stack of what is a bug. */
  readonly debug: boolean;
}

/** A failure as it goes to stderr: what happened on one line, and what to do about it on the next. */
export function report(error: unknown, { json, debug }: ReportStyle): string {
  const { code, message, hint } = words(error);
  const stack = debug && error instanceof Error && !(error instanceof UserError) ? `${error.stack}\n` : "";
  if (json) return `${stack}${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`;
  const lines = [`calicoctl: ${printable(message)}`, ...(hint === undefined ? [] : [`hint: ${printable(hint)}`])];
  return `${stack}${lines.join("\n")}\n`;
}

function words(error: unknown): { code: string; message: string; hint?: string | undefined } {
  if (error instanceof UserError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "bug",
    message: `${message} (this is a bug)`,
    hint: "run it again with CALICO_DEBUG=1 and report what it prints",
  };
}

/** Whether the command line asks for JSON; a rough look, since it must also work for a line that does not parse. */
export const asksForJson = (argv: readonly string[]): boolean =>
  /(?:^|\0)(?:-o\0?|--output(?:\0|=))json(?:\0|$)/.test(argv.join("\0"));
