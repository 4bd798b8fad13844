import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subscribeWebhook } from '../../src/app/subscribe-webhook.ts';
import type { WebhookSubscription } from '../../src/client/webhook-access.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { secretKey } from '../../src/secrets/secret-box.ts';
import { SecretKeys } from '../../src/secrets/secret-keys.ts';
import { closeStores, openStores } from '../../src/store/open-store.ts';
import type { Stores } from '../../src/store/stores.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';

const URL = 'https://example.com/hooks';

describe('a subscription with a webhook', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(databaseAt('sqlite::memory:'), { create: 'in-memory' });
  });
  afterEach(() => closeStores(stores));

  async function subscribe(wanted: WebhookSubscription = {}): Promise<string> {
    const clock = createVirtualClock();
    const key = secretKey(new Uint8Array(32).fill(1), 'the test');
    const keys = await SecretKeys.load({ read: async () => [key], clock });
    const made = await subscribeWebhook({ stores, keys, clock, allowedNetworks: [] }, 'crm', { url: URL, ...wanted });
    return made.change;
  }
  const stored = async () => (await stores.store.listSubscriptions())[0];

  it.each([
    [{ kind: 'park', attempts: 5 }, { attempts: 7 }, { kind: 'park', attempts: 7 }],
    [{ kind: 'park', attempts: 5 }, { attempts: null }, { kind: 'park', attempts: null }],
    [{ kind: 'park', attempts: 5 }, { kind: 'park' }, { kind: 'park', attempts: 5 }],
    [{ kind: 'park', attempts: 5 }, { kind: 'above-all' }, { kind: 'above-all' }],
    [{ kind: 'above-all' }, { kind: 'park' }, { kind: 'park', attempts: null }],
    [{ kind: 'above-all' }, { kind: 'park', attempts: 3 }, { kind: 'park', attempts: 3 }],
    [{ kind: 'above-all' }, undefined, { kind: 'above-all' }],
    [{ attempts: 2 }, undefined, { kind: 'park', attempts: 2 }],
  ] as const)('with the order %j and the change %j gets the order %j', async (order, change, expected) => {
    await subscribe({ order });
    await subscribe(change === undefined ? {} : { order: change });
    expect((await stored())?.order).toEqual(expected);
  });

  it('accepts a beginning only while it is new', async () => {
    expect(await subscribe({ beginning: { kind: 'first' } })).toBe('made');
    await expect(subscribe({ beginning: { kind: 'now' } })).rejects.toMatchObject({
      message: expect.stringContaining('goes on where it is'),
      remedy: { kind: 'replay', subscription: 'crm' },
    });
    expect(await subscribe()).toBe('same');
  });

  it.each([
    [{ filter: { kinds: ['storred'] } }, 'The kinds are stored, labels, gone'],
    [{ filter: { events: ['needs-content'] } }, 'The events are needs-consent'],
    [{ order: { kind: 'above-al' } }, "expected { kind: 'park' } or { kind: 'above-all' }"],
  ])('refuses a filter or an order that does not exist: %j', async (wanted, words) => {
    await expect(subscribe(wanted as unknown as WebhookSubscription)).rejects.toThrow(words);
  });

  it('accepts no attempts while its order is above-all', async () => {
    await subscribe({ order: { kind: 'above-all' } });
    await expect(subscribe({ order: { attempts: 5 } })).rejects.toThrow('Give the order park with them');
    expect((await stored())?.order).toEqual({ kind: 'above-all' });
  });
});
