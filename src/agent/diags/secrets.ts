/** Secrets taken out of what is about to be shown to others. */

const REMOVED = "(removed)";

/** A name whose value may be a secret. Rather one too many: a bundle is read by strangers. */
const SECRET_NAME = /passw|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key|auth|cookie/i;

/** Names that only sound so. The cookie is the kernel's number of a namespace. */
const PLAIN_NAMES = new Set(["cookie", "passwordFile"]);

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // The user's part of a URL.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']*@/gi, `$1${REMOVED}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/g, REMOVED],
  [/\b(authorization|proxy-authorization)(["']?\s*[:=]\s*["']?)(?:(?:basic|bearer)\s+)?[^\s"',}]+/gi, `$1$2${REMOVED}`],
  [
    /\b([\w.-]*(?:passw(?:or)?d|secret|token|api[_-]?key|private[_-]?key|access[_-]?key))(\s*=\s*|["']\s*:\s*["'])[^\s"',;]+/gi,
    `$1$2${REMOVED}`,
  ],
];

export const withoutSecrets = (text: string): string =>
  PATTERNS.reduce((clean, [pattern, instead]) => clean.replaceAll(pattern, instead), text);

/** The same for a value of JSON: by the names in it too, at any depth. */
export function valueWithoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(valueWithoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const isSecret = SECRET_NAME.test(name) && !PLAIN_NAMES.has(name) && inner !== null && inner !== "";
      return [name, isSecret ? REMOVED : valueWithoutSecrets(inner)];
    }),
  );
}
