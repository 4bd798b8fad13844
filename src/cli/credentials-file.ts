import { readFile } from 'node:fs/promises';

import { CannotDoError } from '../model/program-errors.ts';
import { codeOf } from '../model/error-code.ts';

/** @param what - the file's content, for the message */
export async function readSecretFile(file: string, what: 'credentials' | 'client' | 'secret'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = codeOf(error) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new CannotDoError(`${what}-file`, `The ${what} file ${file} ${reason}.`, { cause: error });
  }
}
