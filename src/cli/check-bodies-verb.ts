import type { Command } from 'commander';

import type { LostBody } from '../model/lost-body.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { notStored } from './not-stored.ts';
import { mailboxVerb, withStores, type Cli, type VerbOptions } from './verb-context.ts';
import { count, counted } from './words.ts';

interface CheckBodiesOptions extends VerbOptions {
  readonly rebuild?: boolean;
}

export function addCheckBodies(program: Command, cli: Cli): void {
  mailboxVerb(program, 'check-bodies', {
    examples: ['tidemark check-bodies ada@example.com', 'tidemark check-bodies ada@example.com --rebuild'],
  })
    .option('--rebuild', 'the place of the bodies (BODIES_URL) was lost and is empty: count all bodies in it as lost')
    .addHelpText(
      'after',
      '\nBodies that lie outside the database are held against their SHA-256, those inside are unpacked. ' +
        'A mailbox that runs fetches lost ones with its next partial sync.\nNeeds no Temporal server. ' +
        'Exit code 1 when bodies were lost.',
    )
    .action((mailbox: MailboxId, options: CheckBodiesOptions) =>
      withStores(cli, options, async ({ stores, out, clock, config }) => {
        const { store } = stores;
        if ((await store.getMailbox(mailbox)) === null) throw notStored(mailbox, config);
        const rebuilt = options.rebuild === true ? await store.rebuildBodyPlaces() : [];
        let checked = 0;
        const lost = { missing: 0, damaged: 0 };
        const onLostBody = async (body: LostBody): Promise<void> => {
          lost[body.reason] += 1;
          await store.refetchLost({ mailbox, lost: body, now: clock.now() });
        };
        for await (const { body } of store.streamMessages(mailbox, { onLostBody })) if (body !== null) checked += 1;
        out.result(
          { mailbox, checked, ...lost, rebuilt },
          () =>
            `${mailbox}: ${counted(checked, 'message')} read; bodies missing ${count(lost.missing)}, ` +
            `damaged ${count(lost.damaged)}.`,
        );
        const all = lost.missing + lost.damaged;
        if (all > 0)
          throw new CannotDoError(
            'bodies-lost',
            `${mailbox} lost the bodies of ${counted(all, 'message')}. A partial sync fetches them again; ` +
              `to have one now: tidemark sync ${mailbox} --wait`,
          );
      }),
    );
}
