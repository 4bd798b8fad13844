import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/host/system-clock.ts';
import { registerHandlers } from '../../src/deliveries/register-handlers.ts';
import { webhookSecretsOf } from '../../src/secrets/secret-owner.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Receiver, type Received } from '../fixtures/host/webhook-receiver.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const URL = '--url=https://example.com/hooks';

interface Payload {
  readonly type: string;
  readonly data: {
    readonly mailbox: string;
    readonly sequence: number;
    readonly link?: string;
    readonly message?: Readonly<Record<string, unknown>> | null;
    readonly events?: readonly Payload[];
  };
}

const payloadsIn = ({ body }: Received): readonly Payload[] => {
  const payload = JSON.parse(body) as Payload;
  return payload.data.events ?? [payload];
};

describe('webhooks of subscriptions', () => {
  let rig: Rig;
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    rig = await Rig.open('webhooks');
    await rig.startWorker();
  });
  afterEach(async () => {
    for (const { name } of await rig.tidemark.store.listSubscriptions())
      await rig.tidemark.client.deliveries.unsubscribe(name);
    for (const receiver of receivers.splice(0)) await receiver.close();
  });
  afterAll(() => rig.close());

  async function receiver(): Promise<Receiver> {
    const opened = await Receiver.open();
    receivers.push(opened);
    return opened;
  }

  async function verb(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await tidemark(rig.env, ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async function subscribe(name: string, { port }: Receiver, ...args: string[]): Promise<Webhook> {
    const url = `http://127.0.0.1:${port}/hooks/mail?key=hidden`;
    const { receiverKey } = await verb('subscribe', name, '--url', url, '--allow-private', ...args);
    return new Webhook(String(receiverKey));
  }

  async function live(name: string, messages: number): Promise<TestMailbox> {
    const box = await rig.mailbox(name, { messages, threadSize: 1, pollInterval: 60_000 });
    await box.start();
    await box.exact(30_000);
    return box;
  }

  async function deliver(box: TestMailbox, subject: string): Promise<void> {
    box.deliver(subject);
    await box.client.sync(box.id, { wait: true });
  }

  const sequences = ({ received }: Receiver): readonly number[] =>
    received.flatMap(payloadsIn).map(({ data }) => data.sequence);
  const told = ({ id }: TestMailbox, { received }: Receiver): readonly number[] =>
    received.flatMap(payloadsIn).flatMap(({ data }) => (data.mailbox === id ? [data.sequence] : []));
  const cursorsOf = async ({ id }: TestMailbox): Promise<readonly string[]> => {
    const { stdout } = await tidemark(rig.env, 'changes', id, '--json');
    return stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { cursor: string }).cursor);
  };
  const positionOf = async (box: TestMailbox, name: string) =>
    (await rig.tidemark.store.readPositions(name)).find(({ mailbox }) => mailbox === box.id);
  const head = async (box: TestMailbox): Promise<number> =>
    (await rig.tidemark.store.getMailbox(box.id))?.changeSequence ?? 0;
  const isTold = (box: TestMailbox, to: Receiver): Promise<true> =>
    eventually(30_000, async () => (sequences(to).at(-1) === (await head(box)) ? true : null));
  const comes = (to: Receiver, count: number): Promise<true> =>
    eventually(30_000, async () => (to.received.length >= count ? true : null));

  it('report every change once, in order, signed, in bodies of at most 20 KB, without the mail itself', async () => {
    const box = await live('told', 150);
    const crm = await receiver();
    const webhook = await subscribe('crm', crm, '--begin', 'first', '--mailbox', box.id);
    await isTold(box, crm);
    await deliver(box, 'Fresh fish');
    await isTold(box, crm);
    expect(sequences(crm)).toEqual(Array.from({ length: await head(box) }, (_, index) => index + 1));
    expect(new Set(crm.received.map(({ headers }) => headers['webhook-id'])).size).toBe(crm.received.length);
    for (const { body, headers } of crm.received) {
      expect(webhook.verify(body, headers as Record<string, string>)).toMatchObject({ data: { mailbox: box.id } });
      expect(body.length).toBeLessThanOrEqual(20_000);
    }
    expect(crm.received.at(-1)?.body).not.toContain('Fresh');
    expect(await verb('subscriptions')).toMatchObject({
      subscriptions: [{ name: 'crm', failing: 0, parked: 0, ended: null, target: { kind: 'webhook' } }],
    });
  }, 60_000);

  it('begin after a cursor of the change feed, and are replayed after another one', async () => {
    const [box, late] = [await live('cursor', 12), await rig.mailbox('cursor-late', { messages: 3, threadSize: 1 })];
    const crm = await receiver();
    const cursors = await cursorsOf(box);
    const [middle = '', early = ''] = [cursors[6], cursors[2]];
    await subscribe('crm', crm, '--begin', middle, '--mailbox', box.id, '--mailbox', late.id);
    await isTold(box, crm);
    await deliver(box, 'Fresh fish');
    await isTold(box, crm);
    const after = async (first: number) =>
      Array.from({ length: (await head(box)) - first }, (_, index) => first + 1 + index);
    expect(sequences(crm)).toEqual(await after(7));
    // All changes of a mailbox that starts later than the cursor come after it.
    await late.start();
    await late.exact(30_000);
    await eventually(30_000, async () => (told(late, crm).at(-1) === (await head(late)) ? true : null));
    expect(told(late, crm)).toEqual(Array.from({ length: await head(late) }, (_, index) => index + 1));
    const before = crm.received.length;
    expect(await verb('replay', 'crm', '--mailbox', box.id, '--after', early)).toMatchObject({
      mailboxes: [{ mailbox: box.id, notKept: 0 }],
    });
    await eventually(30_000, async () =>
      (await positionOf(box, 'crm'))?.sequence === (await head(box)) ? true : null,
    );
    expect(
      crm.received
        .slice(before)
        .flatMap(payloadsIn)
        .map(({ data }) => data.sequence),
    ).toEqual(await after(3));
  }, 90_000);

  it('can be tried from the library, with a new secret or with one that the receiver has', async () => {
    const { deliveries } = rig.tidemark.client;
    const tried = await receiver();
    const url = `http://127.0.0.1:${tried.port}/hooks`;
    const headersOf = (request: Received | undefined) => request?.headers as Record<string, string>;
    const { receiverKey } = await deliveries.testWebhook({ url, allowPrivate: true });
    const [first] = tried.received;
    expect(new Webhook(receiverKey).verify(first?.body ?? '', headersOf(first))).toMatchObject({
      type: 'webhook.test',
    });
    await deliveries.testWebhook({ url, allowPrivate: true, secret: receiverKey });
    const second = tried.received[1];
    expect(new Webhook(receiverKey).verify(second?.body ?? '', headersOf(second))).toMatchObject({
      type: 'webhook.test',
    });
    await expect(deliveries.testWebhook({ url })).rejects.toMatchObject({ code: 'webhook-refused' });
    tried.answers(401, {}, 'who are you?');
    await expect(deliveries.testWebhook({ url, allowPrivate: true })).rejects.toMatchObject({
      code: 'webhook-not-accepted',
      message: expect.stringContaining('who are you?'),
    });
    await expect(deliveries.testWebhook({ url, secret: 'none' })).rejects.toMatchObject({
      code: 'invalid-webhook-secret',
    });
  });

  it('hold the fields and the link that the subscription asks for, and as many changes as fit', async () => {
    const box = await live('fields', 40);
    const crm = await receiver();
    await subscribe('crm', crm, '--begin', 'first', '--mailbox', box.id, '--fields', 'subject,text');
    await isTold(box, crm);
    expect(Math.max(...crm.received.map(({ body }) => body.length))).toBeLessThanOrEqual(20_000);
    await verb('subscribe', 'crm', '--link', 'https://app.example/{mailbox}/{messageId}');
    await deliver(box, 'Fresh fish');
    await isTold(box, crm);
    const last = crm.received.flatMap(payloadsIn).at(-1);
    expect(last?.data).toMatchObject({
      link: expect.stringContaining('https://app.example/fields'),
      message: { subject: 'Fresh fish', text: expect.any(String) },
    });
    expect(sequences(crm)).toEqual(Array.from({ length: await head(box) }, (_, index) => index + 1));
  }, 60_000);

  it('are sent again with the same id and body when the receiver fails, no earlier than it asks', async () => {
    const box = await live('failing', 3);
    const crm = await receiver();
    crm.answers(503, { 'retry-after': '2' }, 'it is being mended');
    await subscribe('crm', crm, '--mailbox', box.id);
    await deliver(box, 'hello');
    await comes(crm, 1);
    const error = await eventually(30_000, async () => (await positionOf(box, 'crm'))?.error ?? null);
    expect(error).toBe(`127.0.0.1:${crm.port} answered 503: it is being mended`);
    const firstAt = systemClock.now();
    crm.answer = (response) => response.end();
    await isTold(box, crm);
    await comes(crm, 2);
    const [first, second] = crm.received;
    expect([second?.headers['webhook-id'], second?.body]).toEqual([first?.headers['webhook-id'], first?.body]);
    expect(systemClock.now() - firstAt).toBeGreaterThan(1_000);
    await eventually(30_000, async () => ((await positionOf(box, 'crm'))?.delivered === 1 ? true : null));
  }, 60_000);

  it('end with the answer 410, and go on where they were when the subscription is made again', async () => {
    const box = await live('ended', 3);
    const crm = await receiver();
    crm.answers(410);
    await subscribe('crm', crm, '--mailbox', box.id);
    await deliver(box, 'not wanted');
    await eventually(30_000, async () => {
      const [subscription] = await rig.tidemark.store.listSubscriptions();
      return subscription?.ended == null ? null : true;
    });
    expect((await tidemark(rig.env, 'subscriptions')).stdout).toMatch(/ended .*answered 410: it wants no more/);
    await deliver(box, 'nobody is told');
    expect(crm.received).toHaveLength(1);
    crm.answer = (response) => response.end();
    await verb('subscribe', 'crm');
    await isTold(box, crm);
    expect(crm.received.slice(1).flatMap(payloadsIn)).toHaveLength(2);
  }, 60_000);

  it('are signed with both secrets during a rotation, and only with the new one after it', async () => {
    const box = await live('rotated', 1);
    const crm = await receiver();
    const former = await subscribe('crm', crm, '--mailbox', box.id);
    const { receiverKey, secrets } = await verb('subscribe', 'crm', '--new-secret');
    expect(secrets).toBe(2);
    const newest = new Webhook(String(receiverKey));
    await deliver(box, 'by both');
    await comes(crm, 1);
    expect(await verb('subscribe', 'crm', '--drop-former-secret')).toMatchObject({ receiverKey: null, secrets: 1 });
    await deliver(box, 'by the new one');
    await comes(crm, 2);
    const [both, one] = crm.received.map(({ body, headers }) => [body, headers as Record<string, string>] as const);
    if (both === undefined || one === undefined) throw new Error('two webhooks came');
    expect(() => former.verify(...both)).not.toThrow();
    expect(() => newest.verify(...both)).not.toThrow();
    expect(() => newest.verify(...one)).not.toThrow();
    expect(() => former.verify(...one)).toThrow('No matching signature');
  }, 60_000);

  it.each([
    ['without a URL', [], 'It is new, so it needs the URL'],
    ['for a private address', ['--url', 'http://10.0.0.1/hooks'], '10.0.0.1 is a private address'],
    ['with a link that cannot be made', [URL, '--link', 'https://a.example/{subject}'], 'but not {subject}'],
    ['with too large a batch', [URL, '--batch', '501'], 'it must be a whole number from 1 to 500'],
    ['with an unknown field', [URL, '--fields', 'body'], 'Expected fields with commas between them'],
    ['with attempts but without parking', [URL, '--order', 'above-all', '--attempts', '3'], 'leave --attempts out'],
    [
      'with a filter beside --every-change',
      [URL, '--every-change', '--kind', 'gone'],
      '--every-change takes no other option',
    ],
    [
      'from a place that does not exist',
      [URL, '--begin', 'tomorrow'],
      'Expected now, first, a date, for example 2025-01-31',
    ],
    ['from a malformed cursor', [URL, '--begin', '1-0'], '"1-0" is not a cursor of the change feed'],
    ['from a cursor of another feed', [URL, '--begin', '1-0123-1-'], 'It is of another database. Start over'],
    ['with a secret file that does not exist', [URL, '--secret-file', '/nowhere'], 'does not exist'],
  ])('are not set up %s, and leave nothing in the store', async (_, args, words) => {
    const { code, stdout, stderr } = await tidemark(rig.env, 'subscribe', 'refused', ...args);
    expect([code === 0, stdout]).toEqual([false, '']);
    expect(stderr).toContain(words);
    const { store, credentials } = rig.tidemark;
    expect([await store.listSubscriptions(), await credentials.listWebhookSecrets()]).toEqual([[], []]);
  });

  it('cannot take the name of a handler, nor a handler theirs', async () => {
    const crm = await receiver();
    await subscribe('crm', crm);
    const handlers = { crm: { handle: () => undefined } };
    const registered = registerHandlers({ store: rig.tidemark.store, clock: systemClock, handlers, isPostgres: false });
    await expect(registered).rejects.toThrow('The subscription crm has a webhook already');
    await verb('unsubscribe', 'crm');
    expect(await rig.tidemark.credentials.listWebhookSecrets()).toEqual([]);
    await registerHandlers({ store: rig.tidemark.store, clock: systemClock, handlers, isPostgres: false });
    expect((await tidemark(rig.env, 'subscribe', 'crm', URL)).stderr).toContain('A handler has this name already');
  });

  it('are signed with the same secrets after a rotation of the key that encrypts them', async () => {
    const box = await live('resealed', 1);
    const crm = await receiver();
    const webhook = await subscribe('crm', crm, '--mailbox', box.id);
    const { keyId } = await verb('rotate-key');
    expect(await rig.tidemark.credentials.get(webhookSecretsOf('crm'))).toMatchObject({ keyId });
    await deliver(box, 'hello');
    await comes(crm, 1);
    const [got] = crm.received;
    expect(() => webhook.verify(got?.body ?? '', got?.headers as Record<string, string>)).not.toThrow();
  }, 60_000);

  it('are held up neither by a handler whose program does not run nor by another receiver', async () => {
    const box = await live('beside', 1);
    const { store } = rig.tidemark;
    const absent = {
      name: 'absent',
      target: { kind: 'handler' },
      filter: EVERY_CHANGE,
      batch: 1,
      order: { kind: 'above-all' },
    } as const;
    await store.putSubscription({ definition: absent, beginning: { kind: 'first' }, now: systemClock.now() });
    const [silent, crm] = [await receiver(), await receiver()];
    silent.answer = () => undefined;
    await subscribe('silent', silent, '--mailbox', box.id);
    await subscribe('crm', crm, '--mailbox', box.id);
    await deliver(box, 'first');
    await comes(silent, 1);
    await comes(crm, 1);
    await deliver(box, 'second');
    await comes(crm, 2);
    expect(silent.received).toHaveLength(1);
    silent.answer = (response) => response.end();
  }, 60_000);
});
