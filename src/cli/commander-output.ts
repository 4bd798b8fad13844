import type { OutputConfiguration } from 'commander';

import { linesOf, writeLines, type Terminal } from '../host/terminal.ts';

/**
 * Directs commander's own output. Help keeps its line breaks. An error quotes what the person typed, so it is written
 * as one line.
 *
 * @param options.errors - false suppresses errors, for a caller that writes them itself
 */
export function commanderOutput(
  name: string,
  { stdout, stderr }: { readonly stdout: Terminal; readonly stderr: Terminal },
  { errors }: { readonly errors: boolean },
): OutputConfiguration {
  return {
    writeOut: (text) => void writeLines(stdout, linesOf(text)),
    writeErr: (text) => (errors ? void writeLines(stderr, linesOf(text)) : undefined),
    outputError: (text) => (errors ? void writeLines(stderr, [`${name}: ${inOneLine(text)}`]) : undefined),
  };
}

/** commander puts its suggestion on a separate line. */
const inOneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .trimEnd()
    .replace(/\n(?=\(Did you mean [^\n]*\?\)$)/, ' ');
