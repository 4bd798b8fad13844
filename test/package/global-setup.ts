import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';

import { pack } from '../../scripts/packed-project.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What `npm pack` made, once for all tests of the package. */
    tarball: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-packed-'));
  project.provide('tarball', await pack(folder));
  return () => rmSync(folder, { recursive: true, force: true });
}
