import type { Command } from 'commander';

import type { MailStore, StoredMessage } from '../store/reads/mail-store.ts';
import { CannotDoError } from '../model/program-errors.ts';
import { base64url } from '../model/base64url.ts';
import { deepJson } from '../model/deep-json.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import type { LostBody } from '../model/lost-body.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { LostBodies } from '../store/fetching/lost-bodies.ts';
import type { MessageCounts, WorkStore } from '../store/fetching/work-store.ts';
import { mailboxVerb, withStores, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { notStored } from './not-stored.ts';
import { mboxEntry } from './mbox-entry.ts';
import { addFailOnStoredFailures, leftOutWords, requireNoFailures, type FailOnFailures } from './shortfall.ts';
import { counted } from './words.ts';

interface ExportOptions extends VerbOptions, FailOnFailures {
  readonly format: string;
}

export function addExport(program: Command, cli: Cli): void {
  const command = mailboxVerb(program, 'export', {
    examples: [
      'tidemark export ada@example.com > ada.jsonl',
      'tidemark export ada@example.com --format mbox > ada.mbox',
    ],
  });
  addFailOnStoredFailures(command)
    .addOption(
      command
        .createOption('--format <format>', 'jsonl: one JSON object a line; mbox: needs mail stored raw')
        .choices(['jsonl', 'mbox'])
        .default('jsonl'),
    )
    .addHelpText(
      'after',
      '\nMessages are those that are stored and in scope. How many are not fetched yet, or could not be fetched, ' +
        'is said on stderr at the end. Needs no Temporal server.\n' +
        'jsonl is the same on a terminal and in a pipe: control characters and marks of direction are \\u escapes, ' +
        'which any JSON parser reads back.\nmbox in a pipe or a file has the bytes of the mail; ' +
        'on a terminal they are shown, not obeyed.',
    )
    .action((mailbox: MailboxId, options: ExportOptions) =>
      withStores(cli, options, async (context) => {
        await requireExportable(context, mailbox, options);
        const { store } = context.stores;
        const before = await store.countMessages(mailbox, context.clock.now());
        const leftOut = await writeMessages(context, mailbox, options);
        const after = await store.countMessages(mailbox, context.clock.now());
        const counts = unfetchedOf(before, after, leftOut);
        report(context, mailbox, { ...leftOut, counts });
        requireNoFailures({ mailbox, counts }, options);
      }),
    );
}

type ExportContext = VerbContext & {
  readonly stores: { readonly store: MailboxRegistry & LabelStore & MailStore & LostBodies & WorkStore };
};

async function requireExportable(
  { stores, config }: ExportContext,
  mailbox: MailboxId,
  { format }: ExportOptions,
): Promise<void> {
  const row = await stores.store.getMailbox(mailbox);
  if (row === null) throw notStored(mailbox, config);
  if (format === 'mbox' && row.settings.format !== 'raw') {
    throw new CannotDoError(
      'not-raw',
      `${mailbox} is stored in the ${row.settings.format} format, and mbox needs the raw one. ` +
        `To fetch every message again as raw: tidemark start ${mailbox} --format raw --wait`,
    );
  }
}

/** How many messages were left out, by reason. */
interface LeftOut {
  rawless: number;
  unfetched: number;
  lostBodies: number;
}

async function writeMessages(
  { stores: { store }, out, clock }: ExportContext,
  mailbox: MailboxId,
  { format }: ExportOptions,
): Promise<LeftOut> {
  const names = new Map((await store.getLabels(mailbox)).map(({ id, name }) => [id, name]));
  const leftOut: LeftOut = { rawless: 0, unfetched: 0, lostBodies: 0 };
  const onLostBody = async (lost: LostBody): Promise<void> => {
    leftOut.lostBodies += 1;
    await store.refetchLost({ mailbox, lost, now: clock.now() });
  };
  for await (const message of store.streamMessages(mailbox, { onLostBody })) {
    if (format === 'jsonl') await out.line(deepJson(exported(message, names)));
    else if (message.format === 'raw' && message.body !== null)
      await out.mail(mboxEntry(message.body, message.internalDate));
    else leftOut[message.lacks === 'raw' ? 'rawless' : 'unfetched'] += 1;
  }
  return leftOut;
}

type Unfetched = Pick<MessageCounts, 'pending' | 'backfill' | 'failed'>;

/**
 * What was not fetched while the export ran. A mailbox may run meanwhile, so the higher count of the two is taken:
 * rather a message too many is named than one left out without a word. Lost bodies became pending, and are named apart.
 */
function unfetchedOf(before: Unfetched, after: Unfetched, { lostBodies }: LeftOut): Unfetched {
  return {
    pending: Math.max(before.pending, after.pending - lostBodies),
    backfill: Math.max(before.backfill, after.backfill),
    failed: Math.max(before.failed, after.failed),
  };
}

/** @throws {CannotDoError} when bodies were lost */
function report(
  { out }: ExportContext,
  mailbox: MailboxId,
  { rawless, unfetched, lostBodies, counts }: LeftOut & { readonly counts: Unfetched },
): void {
  const notFetched = leftOutWords(mailbox, counts);
  if (notFetched !== null) out.notice(notFetched);
  if (unfetched > 0)
    out.notice(
      `${counted(unfetched, 'message')} of ${mailbox} left out: not fetched as raw yet. See how far it is: ` +
        `tidemark status ${mailbox}`,
    );
  if (rawless > 0)
    out.notice(
      `${counted(rawless, 'message')} of ${mailbox} left out: Gmail gave no raw of them (chats have none), ` +
        `so mbox cannot hold them. Export them with --format jsonl; see which: tidemark failures ${mailbox}`,
    );
  if (lostBodies > 0)
    throw new CannotDoError(
      'bodies-lost',
      `${counted(lostBodies, 'message')} of ${mailbox} left out: their bodies are lost, ` +
        `and a partial sync fetches them again. Export once more after: tidemark sync ${mailbox} --wait`,
    );
}

function exported(message: StoredMessage, names: ReadonlyMap<LabelId, string>): object {
  const { id, threadId, historyId, internalDate, sizeEstimate, format, lacks, body } = message;
  const labelIds = [...message.labelIds].sort();
  const labels = labelIds.map((label) => names.get(label) ?? label);
  return {
    id,
    threadId,
    labelIds,
    historyId,
    internalDate,
    sizeEstimate,
    labels,
    ...(lacks === null ? {} : { lacks }),
    ...contentOf(format, body),
  };
}

/**
 * The content in its stored format, under Gmail's names. Labels and historyId may have changed since it was read:
 * `exported` adds their present values.
 */
function contentOf(format: StoredMessage['format'], body: StoredMessage['body']): object {
  if (body === null) return {};
  if (format === 'raw') return { raw: base64url(body) };
  const resource = parsed(body);
  return typeof resource === 'object' && resource !== null && 'payload' in resource
    ? { payload: resource.payload }
    : {};
}

/** A body that is not JSON leaves only its own message without content: the export goes on. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return null;
  }
}
