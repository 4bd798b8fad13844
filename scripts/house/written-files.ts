import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The files that people have written, also those that are not committed yet. What Git ignores is left out.
 *
 * @param where - folders, or patterns such as `*.ts`; everywhere when none is given
 * @returns paths from the root of the repository
 */
export const writtenFiles = (...where: readonly string[]): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...where], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)));
