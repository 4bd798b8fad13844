import { describe, expect, it } from 'vitest';
import { generateMail, userLabels } from '../../src/simulator/generate.ts';
import { liveTraffic } from '../../src/simulator/live-traffic.ts';
import { headerValue, parseMime } from '../../src/simulator/mime.ts';
import type { TruthMessage } from '../../src/simulator/truth.ts';
import { openSimulator } from '../fixtures/gmail/simulator-fixture.ts';

const YEAR_MS = 365.25 * 86_400_000;
const header = (message: TruthMessage, name: string): string | null =>
  headerValue(parseMime(Buffer.from(message.raw, 'base64url')).headers, name);

describe('generated mail', () => {
  it('has threads of three on average whose replies name what they answer', async () => {
    const { clock, mailbox } = await openSimulator();
    generateMail(mailbox, { messages: 1_500, now: clock.now() });
    const mail = mailbox.truth({ includeSpamTrash: true });
    const byMessageId = new Map(mail.map((message) => [header(message, 'message-id'), message]));
    expect(byMessageId.size).toBe(1_500);
    expect(1_500 / new Set(mail.map(({ threadId }) => threadId)).size).toBeCloseTo(3, 0);
    const replies = mail.filter((message) => header(message, 'in-reply-to') !== null);
    expect(replies.length).toBeGreaterThan(500);
    for (const reply of replies) {
      const parent = byMessageId.get(header(reply, 'in-reply-to'));
      expect(parent?.threadId).toBe(reply.threadId);
      expect(header(reply, 'references')).toContain(header(reply, 'in-reply-to'));
      expect(header(reply, 'subject')).toBe(`Re: ${(header(parent ?? reply, 'subject') ?? '').replace(/^Re: /, '')}`);
    }
  });

  it('spreads over years, folders, labels and kinds of mail', async () => {
    const { clock, mailbox } = await openSimulator();
    generateMail(mailbox, { messages: 1_500, now: clock.now(), years: 4 });
    const mail = mailbox.truth({ includeSpamTrash: true });
    const dates = mail.map(({ internalDate }) => internalDate);
    expect(Math.min(...dates)).toBeLessThan(clock.now() - 3 * YEAR_MS);
    expect(Math.max(...dates)).toBeLessThanOrEqual(clock.now());
    const labels = new Set(mail.flatMap(({ labelIds }) => labelIds));
    for (const id of [
      'INBOX',
      'UNREAD',
      'SENT',
      'STARRED',
      'IMPORTANT',
      'SPAM',
      'TRASH',
      'CATEGORY_PROMOTIONS',
      'CATEGORY_UPDATES',
      'Label_1',
    ])
      expect(labels).toContain(id);
    const types = new Set(mail.map((message) => parseMime(Buffer.from(message.raw, 'base64url')).mimeType));
    expect(types).toEqual(new Set(['text/plain', 'multipart/alternative', 'multipart/mixed']));
    expect(mail.some((message) => /[^ -~]/.test(header(message, 'subject') ?? ''))).toBe(true);
  });

  it('is the same for the same seed and address, each time it is read', async () => {
    const make = async (): Promise<TruthMessage[]> => {
      const { clock, mailbox } = await openSimulator();
      generateMail(mailbox, { messages: 50, now: clock.now(), seed: 3 });
      expect(mailbox.truth()).toEqual(mailbox.truth());
      return mailbox.truth({ includeSpamTrash: true });
    };
    expect(await make()).toEqual(await make());
  });

  it('can have every message of one exact size', async () => {
    const { clock, mailbox } = await openSimulator();
    generateMail(mailbox, { messages: 300, now: clock.now(), bodyBytes: 4_096, threadSize: 1 });
    const mail = mailbox.truth({ includeSpamTrash: true });
    expect(new Set(mail.map(({ sizeEstimate }) => sizeEstimate))).toEqual(new Set([4_096]));
    expect(new Set(mail.map(({ threadId }) => threadId)).size).toBe(300);
  });
});

describe('live traffic', () => {
  it('reports each change, of many kinds, right after it is made, until it is stopped', async () => {
    const { clock, simulator, mailbox } = await openSimulator();
    generateMail(mailbox, { messages: 30, now: clock.now() });
    const ended = new AbortController();
    const told: string[] = [];
    const began = clock.now();
    await clock.run(async () => {
      let head = mailbox.historyId;
      for await (const sentence of liveTraffic({
        simulator,
        email: mailbox.email,
        clock,
        signal: ended.signal,
        everyMs: 1_000,
      })) {
        expect(mailbox.historyId).not.toBe(head);
        head = mailbox.historyId;
        told.push(sentence);
        if (told.length === 300) ended.abort();
      }
    });
    expect((clock.now() - began) / 300).toBeGreaterThan(800);
    expect((clock.now() - began) / 300).toBeLessThan(1_200);
    const deeds = [
      'wrote “',
      'The owner sent “',
      'was read',
      'got a star',
      'was archived',
      'was labelled “',
      'went to the trash',
      'was deleted for good',
    ];
    expect(deeds.filter((deed) => !told.some((sentence) => sentence.includes(deed)))).toEqual([]);
  });

  it('uses a label of imported mail as its own, whatever its case', async () => {
    const { simulator, mailbox } = await openSimulator();
    const { id } = mailbox.createLabel('work');
    expect(userLabels(mailbox)).toContain(id);
    expect(
      simulator
        .mailbox(mailbox.email)
        .labels()
        .filter(({ name }) => /^work$/i.test(name)),
    ).toHaveLength(1);
  });

  it('ends while it waits', async () => {
    const { clock, simulator, mailbox } = await openSimulator();
    const ended = new AbortController();
    const traffic = liveTraffic({ simulator, email: mailbox.email, clock, signal: ended.signal, everyMs: 1_000 });
    const next = traffic.next();
    ended.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
