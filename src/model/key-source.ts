import type { Secret } from './secret.ts';

/** Where the keys come from. A file or a command may hold several, one a line: the first is the current one, the others are former ones. */
export type KeySource = (
  | { readonly kind: 'value'; readonly key: Secret<Uint8Array> }
  | { readonly kind: 'file'; readonly path: string }
  /** A secrets manager's command line, run by the shell. */
  | { readonly kind: 'command'; readonly command: Secret<string> }
  /** A file that Tidemark makes by itself, beside the embedded database. */
  | { readonly kind: 'own-file' }
) & {
  /** The variable that names the source; those of file and command have its name, and an ending. */
  readonly variable: string;
  /** Former keys that the environment gives. */
  readonly old: Secret<readonly Uint8Array[]>;
};
