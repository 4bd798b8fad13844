import type { Command } from 'commander';

import { CannotDoError } from '../model/program-errors.ts';
import type { RotationResult } from '../accounts/rotate-key.ts';
import { unreadableWords } from './unreadable-records.ts';
import { verb, withStores, type Cli, type VerbOptions } from './verb-context.ts';
import { counted } from './words.ts';

export function addRotateKey(program: Command, cli: Cli): void {
  verb(program, 'rotate-key', {
    examples: ['tidemark rotate-key', 'TIDEMARK_SECRET_KEY="$NEW" TIDEMARK_OLD_SECRET_KEYS="$OLD" tidemark rotate-key'],
  })
    .addHelpText(
      'after',
      '\nWorkers may go on meanwhile, and it may be interrupted: run it again. ' +
        "With Tidemark's own key file a new key is made there;\n" +
        'otherwise give the new key as the current one and the former in TIDEMARK_OLD_SECRET_KEYS, ' +
        'to every process first (docs/consent.md).',
    )
    .action((options: VerbOptions) =>
      withStores(cli, options, async ({ stores, out, config, clock, signal }) => {
        const { rotateKey } = await import('../accounts/rotate-key.ts');
        const result = await rotateKey({ config, stores, clock, signal });
        out.result(result, () => doneWords(result, config.secrets.credentialKeys.kind));
        if (result.unreadable.length === 0) return;
        throw new CannotDoError('secret-key', unreadableWords(result.unreadable));
      }),
    );
}

function doneWords(
  { keyId, madeKey, reencrypted, unreadable, unneeded }: RotationResult,
  kind: 'value' | 'file' | 'command' | 'own-file',
): string {
  const done = `${counted(reencrypted, 'record')} re-encrypted with the ${madeKey ? 'new ' : ''}key ${keyId}.`;
  if (unreadable.length > 0 || unneeded.length === 0) return done;
  const former = unneeded.length === 1 ? `The former key ${unneeded[0]}` : `The former keys ${unneeded.join(', ')}`;
  if (kind === 'own-file')
    return `${done} ${former} stays in the key file until the next rotation; workers need no restart.`;
  return `${done} ${former} can go as soon as every process has the new key as its current one.`;
}
