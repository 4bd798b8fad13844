import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { mailboxId, type MailboxId } from '../model/ids.ts';
import { makePrivateFolder } from '../host/private-files.ts';

/** The simulated mailbox of a run. */
export interface DemoMailbox {
  readonly email: MailboxId;
  readonly messages: number;
  readonly mbox: string | null;
  readonly journal: string;
  /** True when an earlier run created the mailbox. */
  readonly known: boolean;
}

const DEFAULT_MESSAGES = 2_000;
const OWNER = 'ada';
const LAST = 'last';

/**
 * Chooses the mailbox to simulate. Different mail gets a mailbox with an address of its own, so that it does not
 * replace an earlier mailbox. When `wish` is empty, the mailbox of the previous run is chosen.
 */
export function chooseDemoMailbox(
  dataDir: string,
  wish: { messages?: number | undefined; mbox?: string | undefined },
): DemoMailbox {
  const folder = join(dataDir, 'simulator');
  makePrivateFolder(folder);
  const email =
    wish.mbox === undefined && wish.messages === undefined
      ? (lastOf(folder) ?? demoAddressOf({}))
      : demoAddressOf(wish);
  writeFileSync(join(folder, LAST), `${email}\n`);
  const journal = journalOf(folder, email);
  return {
    email,
    messages: wish.messages ?? DEFAULT_MESSAGES,
    mbox: wish.mbox === undefined ? null : resolve(wish.mbox),
    journal,
    known: existsSync(journal),
  };
}

/** All addresses that were ever simulated in this data directory. */
export function demoAddresses(dataDir: string): readonly MailboxId[] {
  const folder = join(dataDir, 'simulator');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => mailboxId(name.slice(0, -'.jsonl'.length)));
}

/** The address of the mailbox that the options describe. */
export function demoAddressOf({
  messages,
  mbox,
}: {
  messages?: number | undefined;
  mbox?: string | undefined;
}): MailboxId {
  if (mbox !== undefined) {
    const name =
      basename(mbox)
        .replace(/\.[^.]*$/, '')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '') || 'mail';
    return mailboxId(`${name}-${createHash('sha256').update(resolve(mbox)).digest('hex').slice(0, 4)}@example.com`);
  }
  return mailboxId(
    messages === undefined || messages === DEFAULT_MESSAGES
      ? `${OWNER}@example.com`
      : `${OWNER}+${messages}@example.com`,
  );
}

const journalOf = (folder: string, email: MailboxId): string => join(folder, `${email}.jsonl`);

/** The mailbox of the previous run; null when its journal was moved away, or never made. */
function lastOf(folder: string): MailboxId | null {
  try {
    const last = mailboxId(readFileSync(join(folder, LAST), 'utf8'));
    return existsSync(journalOf(folder, last)) ? last : null;
  } catch {
    return null;
  }
}
