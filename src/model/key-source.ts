import type { Secret } from './secret.ts';

/**
 * Where the keys come from. A file or a command may give several, one a line: first the current key, then former ones.
 */
export type KeySource = (
  | { readonly kind: 'value'; readonly key: Secret<Uint8Array> }
  | { readonly kind: 'file'; readonly path: string }
  /** A secrets manager's command line, run by the shell. */
  | { readonly kind: 'command'; readonly command: Secret<string> }
  /** A file that Tidemark makes by itself, beside the embedded database. */
  | { readonly kind: 'own-file' }
) & {
  /** The environment variable of the key itself. The variables for a file and a command add an ending to its name. */
  readonly variable: string;
  /** Former keys from the environment. */
  readonly old: Secret<readonly Uint8Array[]>;
};
