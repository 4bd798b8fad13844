import { type Remedy } from '../model/remedy.ts';
import { TidemarkError } from '../model/tidemark-error.ts';

/** What an examination found out about one part of an installation. */
export interface Finding {
  /** For example `database`. */
  readonly part: string;
  /** `warning`: it works, and a person should know. `fault`: something does not work. */
  readonly state: 'ok' | 'warning' | 'fault';
  /** What was found, and what to do next where no remedy says it. */
  readonly text: string;
  readonly remedy: Remedy | null;
}

export const ok = (part: string, text: string): Finding => ({ part, state: 'ok', text, remedy: null });

export const warning = (part: string, text: string, remedy: Remedy | null = null): Finding => ({
  part,
  state: 'warning',
  text,
  remedy,
});

/**
 * A part that does not work.
 *
 * @param found - a sentence, or the error that says it
 */
export function fault(part: string, found: unknown, remedy: Remedy | null = null): Finding {
  const said = found instanceof TidemarkError ? found.remedy : null;
  return { part, state: 'fault', text: textOf(found), remedy: remedy ?? said };
}

const textOf = (found: unknown): string => (found instanceof Error ? found.message : String(found));
