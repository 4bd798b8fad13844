import type { OutputConfiguration } from 'commander';

import { linesOf, writeLines, type Terminal } from '../host/terminal.ts';

/**
 * Where commander's own words go. Help is our text, and has lines; an error quotes what was typed, and is one line.
 *
 * @param options.errors - false says none: somebody else tells them
 */
export function toldByCommander(name: string, { stdout, stderr }: { readonly stdout: Terminal; readonly stderr: Terminal }, { errors }: { readonly errors: boolean }): OutputConfiguration {
  return {
    writeOut: (text) => void writeLines(stdout, linesOf(text)),
    writeErr: (text) => (errors ? void writeLines(stderr, linesOf(text)) : undefined),
    outputError: (text) => (errors ? void writeLines(stderr, [`${name}: ${inOneLine(text)}`]) : undefined),
  };
}

/** commander puts its suggestion on a line of its own. */
const inOneLine = (text: string): string => text.replace(/^error: /, '').trimEnd().replace(/\n(?=\(Did you mean [^\n]*\?\)$)/, ' ');
