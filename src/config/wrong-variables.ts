import type { z } from 'zod';

import type { ConfigProblem } from './config-error.ts';
import { EXCLUSIVE_VARIABLES } from './secret-variables.ts';
import { TROUBLE, type UnusableVariableError } from './section.ts';
import { VARIABLE_NAMES, VARIABLES, type VariableName } from './variables.ts';

/** Of variables that exclude each other, the first that is set counts as right, and each of the others is a problem. */
export function contradictions(given: Readonly<Record<string, unknown>>): ConfigProblem[] {
  return EXCLUSIVE_VARIABLES.flatMap((names) => {
    const [first, ...others] = names.filter((name) => given[name] !== undefined);
    return others.map((name) => ({
      name,
      given: `set beside ${first}`,
      expected: `one of ${names.join(', ')} at most, for example only ${first}`,
    }));
  });
}

/** The variables whose schemas refuse their values. */
export function wrongVariables(error: z.ZodError, given: Record<string, string | undefined>): ConfigProblem[] {
  const names = new Set(error.issues.map((issue) => issue.path[0]));
  return VARIABLE_NAMES.filter((name) => names.has(name))
    .toSorted()
    .map((name) => ({
      name,
      given: `${describe(name, given[name] ?? '')}${troubleWords(error, name)}`,
      expected: VARIABLES[name].expected,
    }));
}

/** A variable that is well formed, but that a section of the configuration could not use. */
export function unusable(
  { variable, message }: UnusableVariableError,
  given: Record<string, string | undefined>,
): ConfigProblem {
  const name = VARIABLE_NAMES.find((known) => known === variable);
  if (name === undefined) return { name: variable, given: 'unusable', expected: message };
  return { name, given: `${describe(name, given[name] ?? '')} (${message})`, expected: VARIABLES[name].expected };
}

/** What a schema adds about a wrong value, such as ` (it names no host)`; empty when it adds nothing. */
function troubleWords({ issues }: z.ZodError, name: VariableName): string {
  for (const issue of issues) {
    const trouble: unknown = issue.path[0] === name && issue.code === 'custom' ? issue.params?.[TROUBLE] : undefined;
    if (typeof trouble === 'string') return ` (${trouble})`;
  }
  return '';
}

/**
 * The given value in a form fit for a terminal and a log: without keys, without the password in an address, and cut to
 * a bounded length.
 */
function describe(name: VariableName, text: string): string {
  if ('secret' in VARIABLES[name]) return `a text of ${text.length} characters`;
  const shown = text.replace(/(\/\/).*@/, '$1…@').replace(/password=[^&]*/i, 'password=…');
  return `"${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}"`;
}
