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
 * The labels that names, or ids, mean in changes of a mailbox. Labels that are gone count beside those that there are:
 * a change says that a message lost one of them, and a new label may have the same name. What no label is called is
 * taken for an id.
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
