import { describe, expect, it } from 'vitest';

import { reference } from '../../scripts/reference.ts';

describe('the reference that `npm run docs` writes', () => {
  const pages = reference();

  it('has a page for each entry, and a heading for each export', () => {
    expect(pages.map(({ entry }) => entry)).toEqual([
      'tidemark',
      'tidemark/reader',
      'tidemark/worker',
      'tidemark/workflows',
      'tidemark/simulator',
    ]);
    for (const { text, exports } of pages) {
      expect(exports.length).toBeGreaterThan(0);
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, name]) => name)).toEqual(exports);
    }
  });

  it('has a comment on each export', () => {
    expect(Object.fromEntries(pages.map(({ entry, uncommented }) => [entry, uncommented]))).toEqual(
      Object.fromEntries(pages.map(({ entry }) => [entry, []])),
    );
  });
});
