import { exec } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf, systemCodeOf } from '../model/error-code.ts';
import type { KeySource } from '../model/key-source.ts';
import { parseKeys, secretKey, SecretKeyError, type SecretKey } from './secret-box.ts';
import { readOwnKeyFile } from './own-key-file.ts';

/** Milliseconds. */
const COMMAND_TIMEOUT = 15_000;

/**
 * Reads the keys as they are now; the current key comes first.
 *
 * @param ownFile - path of the key file for `own-file`; null when there is no place for a file
 * @throws {SecretKeyError} when there is no usable key. The message contains neither a key nor a command's output
 */
export async function readKeys(
  source: KeySource,
  ownFile: string | null,
): Promise<readonly [SecretKey, ...SecretKey[]]> {
  const [current, ...others] = await keysIn(source, ownFile);
  const old = source.old.reveal().map((bytes) => secretKey(bytes, `the former keys of ${source.variable}`));
  return [
    current,
    ...[...others, ...old].filter(
      ({ id }, index, all) => id !== current.id && all.findIndex((key) => key.id === id) === index,
    ),
  ];
}

async function keysIn(source: KeySource, ownFile: string | null): Promise<readonly [SecretKey, ...SecretKey[]]> {
  switch (source.kind) {
    case 'value':
      return [secretKey(source.key.reveal(), source.variable)];
    case 'file':
      return parseKeys(await textOf(source.path, source.variable), source.path);
    case 'command':
      return parseKeys(
        await outputOf(source.command.reveal(), source.variable),
        `the output of ${source.variable}_COMMAND`,
      );
    case 'own-file':
      return readOwnKeyFile(ownFile);
  }
}

async function textOf(path: string, variable: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new SecretKeyError(
      `The key file ${path} that ${variable}_FILE names cannot be read (${systemCodeOf(error)}). ` +
        'Put it there, and let this user read it.',
      { cause: error },
    );
  }
}

/**
 * The command line and its output may both be secret: an error contains neither, and has no cause that would contain
 * them.
 */
async function outputOf(command: string, variable: string): Promise<string> {
  try {
    const { stdout } = await promisify(exec)(command, {
      timeout: COMMAND_TIMEOUT,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    return stdout;
  } catch (error) {
    const wasKilled = error instanceof Error && 'killed' in error && error.killed === true;
    const reason =
      codeOf(error) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
        ? 'printed far more than a key'
        : wasKilled
          ? `was ended after ${COMMAND_TIMEOUT / 1_000} s`
          : 'failed';
    throw new SecretKeyError(
      `The command in ${variable}_COMMAND ${reason}. Run it yourself to see why; what it says is not shown here, ` +
        'because it may hold the key.',
    );
  }
}
