import { describe, expect, it } from 'vitest';
import { fill, openSimulator, plain, type MessageBody } from '../fixtures/gmail/simulator-fixture.ts';

describe('lag', () => {
  it('hides a record from history for its time, although the head counts it', async () => {
    const { mailbox, user, clock } = await openSimulator();
    const start = mailbox.historyId;
    mailbox.lag.historyMs = 4_000;
    fill(mailbox, 1);
    const early = await user.history(start);
    expect(early.history).toBeUndefined();
    expect(early.historyId).toBe(mailbox.historyId);
    await clock.advance(3_999);
    expect((await user.history(start)).history).toBeUndefined();
    await clock.advance(1);
    expect((await user.history(start)).history).toHaveLength(1);
  });

  it('shows the listing as it was: new mail missing, deleted mail there, labels as before', async () => {
    const { mailbox, user, clock } = await openSimulator();
    const [kept = '', gone = ''] = fill(mailbox, 2);
    mailbox.lag.listMs = 2_000;
    mailbox.delete(gone);
    mailbox.addLabels(kept, ['STARRED']);
    const [added] = fill(mailbox, 1);
    expect(new Set(await user.listAll())).toEqual(new Set([kept, gone]));
    expect(await user.listAll({ labelIds: 'STARRED' })).toEqual([]);
    expect((await user.get(`messages/${gone}`)).status).toBe(404);
    await clock.advance(2_000);
    expect(new Set(await user.listAll())).toEqual(new Set([kept, added]));
    expect(await user.listAll({ labelIds: 'STARRED' })).toEqual([kept]);
  });

  it('answers gets from a replica that is behind: 404 for fresh mail, older labels and historyId', async () => {
    const { mailbox, user, clock } = await openSimulator();
    const [known = ''] = fill(mailbox, 1);
    const before = mailbox.historyId;
    Object.assign(mailbox.lag, { getMs: 3_000, getProbability: 1 });
    mailbox.addLabels(known, ['STARRED']);
    const fresh = mailbox.insert({ raw: plain('fresh'), labelIds: ['INBOX'], threadId: known });

    expect((await user.get(`messages/${fresh.id}`)).status).toBe(404);
    expect((await user.get<MessageBody>(`messages/${known}`)).body).toMatchObject({
      historyId: before,
      labelIds: ['INBOX'],
    });
    expect((await user.get<{ messages: MessageBody[] }>(`threads/${known}`)).body.messages).toHaveLength(1);

    await clock.advance(3_000);
    expect((await user.get(`messages/${fresh.id}`)).status).toBe(200);
    expect((await user.get<MessageBody>(`messages/${known}`)).body.labelIds).toEqual(['INBOX', 'STARRED']);
  });

  it('answers from such a replica only by chance', async () => {
    const { mailbox, user } = await openSimulator();
    Object.assign(mailbox.lag, { getMs: 3_000, getProbability: 0.5 });
    const [id = ''] = fill(mailbox, 1);
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await user.get(`messages/${id}`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200, 404]));
  });

  it('with jitter shows later records before earlier ones, and all of them in the end', async () => {
    const { mailbox, user, clock } = await openSimulator();
    const start = mailbox.historyId;
    Object.assign(mailbox.lag, { historyMs: 10_000, jitter: true });
    const ids = fill(mailbox, 30);
    await clock.advance(5_000);
    const seen = ((await user.history(start)).history ?? []).map((record) => record.messages[0]?.id ?? '');
    const newest = Math.max(...seen.map((id) => ids.indexOf(id)));
    expect(seen.length).toBeLessThan(newest + 1);
    await clock.advance(5_000);
    expect((await user.history(start)).history).toHaveLength(30);
  });

  it('does not hide mail from before the lag was set, and ends at once when it is set to zero', async () => {
    const { mailbox, user } = await openSimulator();
    const start = mailbox.historyId;
    fill(mailbox, 1);
    Object.assign(mailbox.lag, { historyMs: 9_000, listMs: 9_000 });
    expect((await user.history(start)).history).toHaveLength(1);
    fill(mailbox, 1);
    expect(await user.listAll()).toHaveLength(1);
    Object.assign(mailbox.lag, { historyMs: 0, listMs: 0 });
    expect((await user.history(start)).history).toHaveLength(2);
    expect(await user.listAll()).toHaveLength(2);
  });
});
