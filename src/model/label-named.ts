import type { Label } from './change.ts';
import type { LabelId } from './ids.ts';

type Named = Pick<Label, 'id' | 'name'>;

/**
 * The label that a person or program names: by name, then by id, then by name or id without regard to case. Gmail
 * allows no two labels that differ only in case.
 */
export function labelNamed<Known extends Named>(labels: readonly Known[], wanted: string): Known | undefined {
  const lower = wanted.toLowerCase();
  return (
    labels.find(({ name }) => name === wanted) ??
    labels.find(({ id }) => id === wanted) ??
    labels.find(({ name, id }) => name.toLowerCase() === lower || id.toLowerCase() === lower)
  );
}

/**
 * The ids of the labels that a person or program names, for a look at a mailbox's changes. Deleted labels count beside
 * present ones: a change may say that a message lost a deleted label, and a new label may have the same name. A text
 * that names no label is taken for an id.
 */
export function labelsMeant(
  { present, gone }: { readonly present: readonly Named[]; readonly gone: readonly Named[] },
  wanted: readonly string[],
): ReadonlySet<string> {
  return new Set<string>(
    wanted.flatMap((text) => {
      const all = [labelNamed(present, text), ...gone.map((label) => labelNamed([label], text))];
      const ids = all.flatMap((label): readonly LabelId[] => (label === undefined ? [] : [label.id]));
      return ids.length === 0 ? [text] : ids;
    }),
  );
}
