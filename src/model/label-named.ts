import type { Label } from './change.ts';

/**
 * The label that a person or program names: by name, then by id, then by name or id without regard to case. Gmail
 * allows no two labels that differ only in case.
 */
export function labelNamed(labels: readonly Label[], wanted: string): Label | undefined {
  const lower = wanted.toLowerCase();
  return (
    labels.find(({ name }) => name === wanted) ??
    labels.find(({ id }) => id === wanted) ??
    labels.find(({ name, id }) => name.toLowerCase() === lower || id.toLowerCase() === lower)
  );
}
