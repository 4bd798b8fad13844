// npm run build: src becomes dist, which the package ships: JavaScript, declarations and source maps by tsc, two
// packages in one file each, and the workflows bundled ahead.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SHIPPED_BUNDLE, withVersion } from '../src/temporal/shipped-bundle.ts';
import { mergePackages } from './merge-packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const run = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 2 ** 20,
  });

rmSync(dist, { recursive: true, force: true });
run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
await mergePackages({ root, dist });
chmodSync(join(dist, 'cli', 'main.js'), 0o755);
const bundle = run(join(dist, 'temporal', 'bundle-workflows.js'));
writeFileSync(join(dist, SHIPPED_BUNDLE), withVersion(bundle));
