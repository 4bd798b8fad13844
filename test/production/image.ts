import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../fixtures/compose/compose-file.ts';
import { readDockerfile } from '../fixtures/compose/dockerfile.ts';

const run = promisify(execFile);
/** Packages of the image's operating system; this machine has its own. */
const OF_THE_SYSTEM = /^apt-get /;

/**
 * Takes the steps of the Dockerfile's first stage on this machine, in their order and by the project's own Node.
 * @param folder - gets what the image has at `/`: `/app` becomes `folder/app`
 */
export async function buildImage(folder: string): Promise<void> {
  const [build] = readDockerfile().stages;
  let workdir = folder;
  for (const { name, text } of build?.instructions ?? []) {
    if (name === 'WORKDIR') {
      workdir = join(folder, text);
      await mkdir(workdir, { recursive: true });
    } else if (name === 'COPY') {
      const words = text.split(' ');
      const target = words.pop() ?? '';
      for (const source of words) await copy(source, join(workdir, target), target.endsWith('/'));
    } else if (name === 'RUN' && !OF_THE_SYSTEM.test(text)) {
      const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
      await run('sh', ['-c', text], { cwd: workdir, env: { ...process.env, PATH }, maxBuffer: 16 * 2 ** 20 });
    }
  }
}

async function copy(source: string, target: string, into: boolean): Promise<void> {
  await cp(join(root, source), into ? join(target, source.slice(source.lastIndexOf('/') + 1)) : target, {
    recursive: true,
  });
}
