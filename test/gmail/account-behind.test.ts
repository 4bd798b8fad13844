import { describe, expect, it } from 'vitest';

import { accountBehind, type Account, type Witness } from '../../src/gmail/access/account-behind.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { mailboxId, messageId, threadId, type MailboxId } from '../../src/model/ids.ts';
import { ADA, openGmail, type GmailFixture } from '../fixtures/gmail/gmail-fixture.ts';

const OLD = mailboxId('countess@example.com');

/** The fixture's account is called ADA; the mailbox that is asked about has another name unless the test says so. */
async function behind(
  { clock, api }: GmailFixture,
  witnesses: readonly Witness[],
  mailbox: MailboxId = OLD,
): Promise<Account> {
  return clock.run(() => accountBehind(api, { mailbox, witnesses: async () => witnesses }));
}

function receive({ mailbox }: GmailFixture, count: number): Witness[] {
  return Array.from({ length: count }, (_, index) => {
    const internalDate = Date.UTC(2026, 0, 1) + index;
    const { id, threadId: thread } = mailbox.insert({
      raw: `Subject: ${index}\r\n\r\nhello\r\n`,
      labelIds: ['INBOX'],
      internalDate,
    });
    return { id: messageId(id), threadId: threadId(thread), internalDate };
  });
}

const strangers = (count: number): Witness[] =>
  Array.from({ length: count }, (_, index) => ({
    id: messageId(`f00d${index}`),
    threadId: threadId(`f00d${index}`),
    internalDate: index,
  }));

describe('the account behind a token', () => {
  it("is the mailbox's where its address is, for one unit", async () => {
    const gmail = openGmail();
    expect(await behind(gmail, strangers(5), ADA)).toEqual({ kind: 'same', address: ADA, by: 'address' });
    expect(gmail.simulator.usage.of(ADA)).toMatchObject({ calls: 1, units: 1 });
  });

  it("is the mailbox's under Gmail's other domain", async () => {
    const gmail = openGmail();
    gmail.simulator.rename(ADA, 'ada.l@googlemail.com');
    expect(await behind(gmail, [], mailboxId('adal@gmail.com'))).toMatchObject({
      kind: 'same',
      address: 'ada.l@googlemail.com',
      by: 'address',
    });
  });

  it("is the mailbox's under a new address, when two stored messages answer with their thread and date", async () => {
    const gmail = openGmail();
    const held = receive(gmail, 2);
    expect(await behind(gmail, [...held, ...strangers(3)])).toEqual({ kind: 'same', address: ADA, by: 'messages' });
    expect(gmail.simulator.usage.of(ADA).units).toBeLessThanOrEqual(1 + 5 * 20);
  });

  it("is the mailbox's when the only message that is held answers", async () => {
    const gmail = openGmail();
    expect(await behind(gmail, receive(gmail, 1))).toMatchObject({ kind: 'same' });
  });

  it('is another when no message is there, when only one is, and when nothing is held', async () => {
    const gmail = openGmail();
    expect(await behind(gmail, strangers(5))).toEqual({ kind: 'another', address: ADA, asked: 5, found: 0 });
    expect(await behind(gmail, [...receive(gmail, 1), ...strangers(4)])).toEqual({
      kind: 'another',
      address: ADA,
      asked: 5,
      found: 1,
    });
    expect(await behind(gmail, [])).toEqual({ kind: 'another', address: ADA, asked: 0, found: 0 });
  });

  it('is another when ids are there with another thread or date', async () => {
    const gmail = openGmail();
    const [one, two] = receive(gmail, 2);
    if (one === undefined || two === undefined) throw new Error('two messages were received');
    expect(
      await behind(gmail, [
        { ...one, threadId: threadId('f00d') },
        { ...two, internalDate: 7 },
      ]),
    ).toMatchObject({ kind: 'another', found: 0 });
  });

  it('is recognised by threads where no dates were stored', async () => {
    const gmail = openGmail();
    expect(
      await behind(
        gmail,
        receive(gmail, 2).map((witness) => ({ ...witness, internalDate: null })),
      ),
    ).toMatchObject({ kind: 'same' });
  });

  it('is not decided by calls that fail', async () => {
    const gmail = openGmail();
    const held = receive(gmail, 2);
    for (const { id } of held)
      gmail.simulator.faults.add({
        match: { method: 'messages.get', messageId: id },
        effect: { kind: 'status', status: 500 },
      });
    await expect(behind(gmail, [...held, ...strangers(3)])).rejects.toBeInstanceOf(GmailError);
    gmail.simulator.faults.clear();
    // Two that answer decide whatever a third one says.
    const third = receive(gmail, 3)[2];
    if (third === undefined) throw new Error('three messages were received');
    gmail.simulator.faults.add({
      match: { method: 'messages.get', messageId: third.id },
      effect: { kind: 'status', status: 500 },
    });
    expect(await behind(gmail, [...held, third])).toMatchObject({ kind: 'same' });
  });
});
