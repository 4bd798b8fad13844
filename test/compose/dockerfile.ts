import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './compose-file.ts';

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A stage of the Dockerfile, with the instructions after its FROM. */
export interface Stage {
  readonly image: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Arguments before the first stage, by name. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
  /** What the image sets for every process in it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads the project's Dockerfile: as much of the language as it uses. */
export function readDockerfile(): Dockerfile {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '');
  const instructions = text
    .split('\n')
    .map((line) => /^([A-Z]+)\s+(.+)$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ name: match[1] ?? '', text: match[2] ?? '' }]));
  const args: Record<string, string> = {};
  const stages: { image: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const [, arg = '', value = ''] = /^(\w+)=(.*)$/.exec(instruction.text) ?? [];
    if (instruction.name === 'ARG' && stages.length === 0) args[arg] = value;
    else if (instruction.name === 'FROM') stages.push(begin(instruction.text, args));
    else stages.at(-1)?.instructions.push(instruction);
  }
  const final = stages.at(-1)?.instructions ?? [];
  const pairs = final
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text: line }) => [...line.matchAll(/(\w+)=(\S+)/g)]);
  return { args, stages, environment: Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value])) };
}

function begin(
  text: string,
  args: Readonly<Record<string, string>>,
): { image: string; name: string | null; instructions: Instruction[] } {
  const [, image = '', name = null] = /^(\S+)(?: AS (\S+))?$/.exec(text) ?? [];
  return { image: image.replace(/\$\{(\w+)\}/g, (_, arg: string) => args[arg] ?? ''), name, instructions: [] };
}
