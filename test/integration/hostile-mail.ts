import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { labelId, mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { l, reading, TestMailbox as StoredMailbox } from '../fixtures/store/tested-store.ts';
import type { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

/** Text that must never begin a line of our output. */
const FORGED = 'FORGED: ada@example.com is in sync';
/**
 * Sequences that a terminal obeys (7 and 8 bits), a bell, every kind of line break, a tab, and marks that change the
 * direction of text.
 */
export const HOSTILE =
  'Invoice \u001B[2J\u001B]0;owned\u0007\u009B31m\u007F\t\u202E\u2066\u200E\u200F\u061C\u0085' +
  `${FORGED}\u2028${FORGED}\u2029${FORGED}\r${FORGED}\r\n${FORGED}\n`;
/** How the beginning of {@link HOSTILE} is shown, in sentences and in JSON. */
export const SHOWN = String.raw`\u001b[2J`;

/** The longest label id that settings accept. */
const LONGEST_LABEL_ID = 100;

const UNSEEN = /(?!\n)[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u;
/** Our own sequence that overwrites a line. */
const OVER = '\r\u001B[K';

/** What is wrong with an output of hostile text; null when nothing is. */
export function harmIn(output: string): string | null {
  const shown = output.replaceAll(OVER, '');
  const unseen = UNSEEN.exec(shown);
  if (unseen !== null)
    return `an unseen character in ${JSON.stringify(shown.slice(Math.max(0, unseen.index - 60), unseen.index + 20))}`;
  const forged = shown.split('\n').find((line) => line.trimStart().startsWith('FORGED'));
  return forged === undefined ? null : `a forged line: ${forged}`;
}

/** An mbox in Takeout's form. The messages' subjects and label are hostile. */
export function hostileMbox(messages: number): string {
  const encoded = `=?utf-8?B?${Buffer.from(HOSTILE).toString('base64')}?=`;
  const one = (n: number): string =>
    `From 1@xxx Sat Nov 28 08:00:00 +0000 2026\r\nX-GM-THRID: ${1_000 + n}\r\nX-Gmail-Labels: ` +
    `Inbox,Unread,${encoded}\r\nFrom: ${encoded} <eve${n}@example.com>\r\nSubject: ${encoded}\r\nMessage-ID: ` +
    `<${n}@example.com>\r\n\r\nhello \u001B[2J\u009B31m\r\n\r\n`;
  return Array.from({ length: messages }, (_, n) => one(n)).join('');
}

/** Mailboxes with hostile text in every place where a stranger can write. */
export interface HostileWorld {
  readonly folder: string;
  readonly db: string;
  /** In sync with Gmail: subjects and label names are hostile. */
  readonly live: TestMailbox;
  /** In phase `failed`, with a sentence that names a hostile label id. */
  readonly blocked: TestMailbox;
  /**
   * Only in the store, as a build without the checks at Gmail's boundary would have left it. Ids, labels, reasons and
   * conditions are hostile.
   */
  readonly stored: MailboxId;
  /** A mailbox for tests to stop, rename and remove. */
  readonly expendable: TestMailbox;
  readonly file: { readonly client: string; readonly grant: string; readonly robot: string; readonly mbox: string };
  readonly payloadKey: string;
  /** A message of `live` with a hostile subject and label. */
  readonly shownId: string;
}

export async function openHostileWorld(rig: Rig): Promise<HostileWorld> {
  const live = await rig.mailbox('hostile-live', { messages: 3 });
  const label = live.gmail.createLabel(HOSTILE).id;
  const { id: shownId } = live.deliver(`=?utf-8?B?${Buffer.from(HOSTILE).toString('base64')}?=`, ['INBOX', label]);
  live.gmail.insert({ raw: 'Subject: body\r\n\r\n\u001B[2J\u009B31m\u202E\r\n', labelIds: ['INBOX'] });
  rig.simulator.directory.set(live.id, { isAdmin: true });
  const blocked = await rig.mailbox('hostile-blocked', { messages: 2 });
  const expendable = await rig.mailbox('hostile-expendable', { messages: 2 });
  await Promise.all([
    live.start(),
    expendable.start(),
    blocked.client.start(blocked.id, {
      ...blocked.settings,
      scope: { ...blocked.settings.scope, labelIds: [labelId(HOSTILE.slice(0, LONGEST_LABEL_ID))] },
    }),
  ]);
  await Promise.all([live.exact(30_000), expendable.exact(30_000), blocked.reaches('failed', 30_000)]);
  return {
    folder: rig.folder,
    db: join(rig.folder, 'tidemark.sqlite'),
    live,
    blocked,
    stored: await plantStored(rig),
    expendable,
    file: writeFiles(rig, live),
    payloadKey: randomBytes(32).toString('base64'),
    shownId,
  };
}

async function plantStored(rig: Rig): Promise<MailboxId> {
  const { store } = rig.tidemark;
  const mailbox = new StoredMailbox(store, mailboxId(`hostile-stored-${process.pid}@example.com`));
  mailbox.now = systemClock.now();
  await mailbox.put();
  await store.saveLabels({
    mailbox: mailbox.id,
    labels: [
      { id: l('INBOX'), name: 'INBOX', type: 'system' },
      { id: l(HOSTILE), name: HOSTILE, type: 'user' },
    ],
    now: mailbox.now,
  });
  const [held, failing] = [`held ${HOSTILE}`, `failing ${HOSTILE}`];
  const body = JSON.stringify({ payload: { headers: [{ name: 'Subject', value: HOSTILE }] } });
  await mailbox.sync([reading(held, { labels: ['INBOX', HOSTILE], body })]);
  await mailbox.begin(200);
  await mailbox.list([held, failing]);
  await mailbox.finish();
  await mailbox.failFetch(failing, { error: HOSTILE, attempts: 3 });
  await store.noteCondition({
    mailbox: mailbox.id,
    lane: 'live',
    condition: { kind: 'failing', message: HOSTILE, since: mailbox.now, until: null },
  });
  await plantDeliveries(rig, mailbox.id);
  return mailbox.id;
}

/** Two subscriptions of the mailbox whose handlers failed with a hostile text: one parked a change, one waits. */
async function plantDeliveries(rig: Rig, mailbox: MailboxId): Promise<void> {
  const { store } = rig.tidemark;
  const now = systemClock.now();
  for (const [name, next] of [
    ['parks', { kind: 'park' }],
    ['waits', { kind: 'retry', at: now + 3_600_000 }],
  ] as const) {
    const filter = { ...EVERY_CHANGE, mailboxes: [mailbox] };
    const definition = {
      name,
      target: { kind: 'handler' },
      filter,
      batch: 1,
      order: { kind: 'park', attempts: null },
    } as const;
    await store.putSubscription({ definition, beginning: { kind: 'first' }, now });
    const step = await beginNext(store, { mailbox, subscription: name, now });
    if (step.kind !== 'begun') throw new Error(`nothing to deliver to ${name}`);
    const { id, attempt } = step.delivery;
    await store.failDelivery({ mailbox, subscription: name, id, attempt, error: HOSTILE, next, now });
  }
}

function writeFiles(rig: Rig, live: TestMailbox): HostileWorld['file'] {
  const write = (name: string, text: string): string => {
    const path = join(rig.folder, name);
    writeFileSync(path, text);
    return path;
  };
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return {
    client: write('client.json', JSON.stringify(rig.simulator.clientFile())),
    grant: write('grant.json', JSON.stringify(rig.simulator.credentialsFor(live.id))),
    robot: write(
      'robot.json',
      JSON.stringify({
        type: 'service_account',
        client_email: 'robot@project.iam.gserviceaccount.com',
        private_key: privateKey,
        private_key_id: 'k1',
      }),
    ),
    mbox: write('hostile.mbox', hostileMbox(3)),
  };
}
