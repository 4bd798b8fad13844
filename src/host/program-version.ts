import { readFileSync } from 'node:fs';

/** Tidemark's version, from package.json, which lies two folders up from here in `src` and in `dist` alike. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
