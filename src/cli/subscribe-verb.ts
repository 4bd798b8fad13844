import { InvalidArgumentError, Option, type Command } from 'commander';

import type { SubscribedWebhook, WebhookSubscription } from '../client/webhook-access.ts';
import type { Change } from '../model/change.ts';
import { isCursorText } from '../model/feed-cursor.ts';
import type { MailboxId } from '../model/ids.ts';
import { UsageError } from '../model/program-errors.ts';
import type { Beginning, ChangeFilter, DeliveryOrder, DeliveryOrderChange } from '../model/subscription.ts';
import { EVENT_KINDS, type EventKind } from '../model/subscribed-event.ts';
import { WEBHOOK_FIELDS, type WebhookField } from '../model/webhook-field.ts';
import { collect, oneOf, parseCount, parseDate, parseEmail, parseText } from './arguments.ts';
import { readSecretFile } from './credentials-file.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

interface SubscribeOptions extends VerbOptions {
  readonly url?: string;
  readonly mailbox?: readonly MailboxId[];
  readonly kind?: readonly (Change['kind'] | 'none')[];
  readonly event?: readonly EventKind[];
  readonly label?: readonly string[];
  readonly subject?: string;
  readonly from?: string;
  readonly everyChange?: boolean;
  readonly begin?: Beginning;
  readonly batch?: number;
  readonly order?: DeliveryOrder['kind'];
  readonly attempts?: number | 'usual';
  readonly fields?: readonly WebhookField[];
  readonly link?: string;
  readonly secretFile?: string;
  readonly newSecret?: true | 'symmetric' | 'ed25519';
  readonly dropFormerSecret?: boolean;
  readonly allowPrivate?: boolean;
}

const KINDS = ['stored', 'labels', 'gone', 'none'] as const satisfies readonly (Change['kind'] | 'none')[];

export function addSubscribe(program: Command, cli: Cli): void {
  const command = verb(program, 'subscribe', {
    examples: [
      'tidemark subscribe crm --url https://example.com/hooks/mail',
      'tidemark subscribe crm --url https://example.com/hooks/mail --kind stored --fields subject,from --begin first',
      'tidemark subscribe consent --url https://example.com/hooks/consent --kind none --event needs-consent',
      'tidemark subscribe crm --new-secret',
    ],
  }).argument('<name>', 'the subscription');
  addSecretOptions(
    addFilterOptions(command.option('--url <url>', 'where webhooks are sent; a new subscription needs it')),
  )
    .option(
      '--begin <place>',
      'of a new one: now, first (the first change), a date, or a cursor of the change feed; now unless given',
      parseBeginning,
    )
    .option('--batch <n>', 'the most changes in a webhook: 50 unless given, 500 at most', parseCount)
    .addOption(
      new Option(
        '--order <kind>',
        'park: parks what keeps failing, and goes on; above-all: later changes wait; park unless given',
      ).choices(['park', 'above-all']),
    )
    .option(
      '--attempts <n>',
      'attempts before a delivery is parked, where the order is park; ' +
        'usual means three days of attempts, as when not given',
      parseAttempts,
    )
    .option(
      '--fields <fields>',
      `what webhooks hold of a message, of ${WEBHOOK_FIELDS.join(',')}; or none`,
      parseFields,
    )
    .option('--link <url>', 'a link to each message, with {mailbox}, {messageId}, {threadId}; or none')
    .option('--allow-private', 'allow addresses that are not public, and http')
    .option('--no-allow-private', 'refuse them, as for a new subscription')
    .addHelpText(
      'after',
      '\nOf an existing subscription, what is not given stays as it is; ' +
        'options of the filter replace the whole filter.\nWebhooks and how to verify them: docs/webhooks.md',
    )
    .action((name: string, options: SubscribeOptions) =>
      withTidemark(cli, options, async ({ tidemark, out }) => {
        const subscribed = await tidemark.client.deliveries.subscribe(name, await wantedOf(options));
        out.result({ name, ...subscribed }, () => lines(name, subscribed));
      }),
    );
}

function addFilterOptions(command: Command): Command {
  return command
    .option('--mailbox <email>', 'changes of this mailbox; repeat for more', collect(parseEmail))
    .addOption(
      new Option(
        '--kind <kind>',
        'changes of this kind (stored, labels, gone); repeat for more; none for only events',
      ).argParser(collect(oneOf<Change['kind'] | 'none'>(KINDS))),
    )
    .addOption(
      new Option(
        '--event <event>',
        `this event of a mailbox, too (${EVENT_KINDS.join(', ')}); repeat for more; none unless given`,
      ).argParser(collect(oneOf<EventKind>(EVENT_KINDS))),
    )
    .option(
      '--label <label>',
      'messages with this label, by name or id, or that just lost it; repeat for more; each mailbox has its own',
      collect(parseText),
    )
    .option('--subject <text>', 'part of the subject, in any case')
    .option('--from <text>', "part of the sender's name or address, in any case")
    .option('--every-change', 'no filter, and no events');
}

function addSecretOptions(command: Command): Command {
  return command
    .option(
      '--secret-file <file>',
      'a file with the secret that signs, whsec_… or whsk_…; without it a new subscription gets a new one',
    )
    .addOption(
      new Option('--new-secret [kind]', 'make a new secret; the former one signs as well').choices([
        'symmetric',
        'ed25519',
      ]),
    )
    .option('--drop-former-secret', 'only the newest secret signs from now on');
}

async function wantedOf(options: SubscribeOptions): Promise<WebhookSubscription> {
  const { url, batch, begin: beginning, fields, link, allowPrivate, dropFormerSecret } = options;
  const filter = filterOf(options);
  const order = orderOf(options);
  const secret = await secretOf(options);
  return {
    ...(url === undefined ? {} : { url }),
    ...(filter === null ? {} : { filter }),
    ...(beginning === undefined ? {} : { beginning }),
    ...(batch === undefined ? {} : { batch }),
    ...(order === null ? {} : { order }),
    ...(fields === undefined ? {} : { fields }),
    ...(link === undefined ? {} : { link: link === 'none' ? null : link }),
    ...(allowPrivate === undefined ? {} : { allowPrivate }),
    ...(secret === null ? {} : { secret }),
    ...(dropFormerSecret === undefined ? {} : { dropFormerSecret }),
  };
}

/** @returns null when no option of the filter is given */
function filterOf({
  mailbox,
  kind,
  event,
  label,
  subject,
  from,
  everyChange,
}: SubscribeOptions): Partial<ChangeFilter> | null {
  const filter: Partial<ChangeFilter> = {
    ...(mailbox === undefined ? {} : { mailboxes: mailbox }),
    ...(kind === undefined ? {} : { kinds: kindsOf(kind) }),
    ...(event === undefined ? {} : { events: event }),
    ...(label === undefined ? {} : { labels: label }),
    ...(subject === undefined ? {} : { subject }),
    ...(from === undefined ? {} : { from }),
  };
  const isEmpty = Object.keys(filter).length === 0;
  if (everyChange === true && !isEmpty) throw new UsageError('--every-change takes no other option of the filter.');
  return isEmpty && everyChange !== true ? null : filter;
}

function kindsOf(kinds: readonly (Change['kind'] | 'none')[]): readonly Change['kind'][] {
  const named = kinds.filter((kind) => kind !== 'none');
  if (named.length > 0 && named.length < kinds.length) throw new UsageError('--kind none takes no other kind.');
  return named;
}

/** Only what is given: the rest stays as it is. */
function orderOf({ order, attempts: given }: SubscribeOptions): DeliveryOrderChange | null {
  const attempts = given === 'usual' ? null : given;
  if (order === 'above-all') {
    if (attempts !== undefined) throw new UsageError('With --order above-all nothing is parked: leave --attempts out.');
    return { kind: 'above-all' };
  }
  if (attempts === undefined) return order === undefined ? null : { kind: order };
  return order === undefined ? { attempts } : { kind: order, attempts };
}

async function secretOf({ secretFile, newSecret }: SubscribeOptions): Promise<WebhookSubscription['secret'] | null> {
  if (secretFile === undefined)
    return newSecret === undefined ? null : { new: newSecret === true ? 'symmetric' : newSecret };
  if (newSecret !== undefined) throw new UsageError('Give either --secret-file or --new-secret.');
  return { text: await readSecretFile(secretFile, 'secret') };
}

const parseAttempts = (text: string): number | 'usual' => (text === 'usual' ? text : parseCount(text));

function parseFields(text: string): readonly WebhookField[] {
  if (text === 'none') return [];
  return text.split(',').map((part) => {
    const field = WEBHOOK_FIELDS.find((known) => known === part.trim());
    if (field === undefined)
      throw new InvalidArgumentError(`Expected fields with commas between them: ${WEBHOOK_FIELDS.join(',')}.`);
    return field;
  });
}

function parseBeginning(text: string): Beginning {
  if (text === 'now' || text === 'first') return { kind: text };
  if (isCursorText(text)) return { kind: 'cursor', cursor: text };
  try {
    return { kind: 'since', at: parseDate(text) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError(
      'Expected now, first, a date, for example 2025-01-31, or a cursor of the change feed, ' +
        'as tidemark changes --json prints one with each change.',
    );
  }
}

function lines(name: string, { change, url, receiverKey, secrets }: SubscribedWebhook): readonly string[] {
  const done = {
    made: `${name} is made: changes are sent to ${url}`,
    changed: `${name} is changed: changes are sent to ${url}`,
    same: receiverKey === null ? `${name} is as it was: changes are sent to ${url}` : `${name} has a new secret.`,
  }[change];
  return [
    done,
    ...(receiverKey === null ? [] : [`Its receiver verifies with ${receiverKey} (not shown again)`]),
    ...(secrets < 2
      ? []
      : [
          'The former secret signs, too. Once the receiver has the new one: ' +
            `tidemark subscribe ${name} --drop-former-secret`,
        ]),
  ];
}
