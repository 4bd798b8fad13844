import { readFile } from 'node:fs/promises';

import { CannotDoError } from '../model/program-errors.ts';

/** @param what - the file's content, for the message */
export async function readSecretFile(file: string, what: 'credentials' | 'client'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new CannotDoError(`${what}-file`, `The ${what} file ${file} ${reason}.`, { cause: error });
  }
}
