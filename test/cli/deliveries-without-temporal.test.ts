import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { openDeliveries } from '../../src/app/open-deliveries.ts';
import { loadConfig } from '../../src/config/config.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { begun, named } from '../fixtures/store/crm-deliveries.ts';
import { closeStoredMail, openStoredMail } from '../fixtures/store/stored-mail.ts';
import { tidemark } from '../fixtures/system/cli.ts';

describe('while no Temporal server answers', () => {
  const folder = useFolder();
  const env = () => ({
    HOME: folder(),
    TIDEMARK_DATA_DIR: folder(),
    DATABASE_URL: `sqlite:${join(folder(), 'mail.sqlite')}`,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  });

  beforeEach(async () => {
    const mail = await openStoredMail(env().DATABASE_URL);
    await mail.store('minimal', { a: '' });
    const { mailbox } = mail;
    await mailbox.store.putSubscription({
      definition: {
        name: 'crm',
        target: { kind: 'handler' },
        filter: EVERY_CHANGE,
        batch: 1,
        order: { kind: 'park', attempts: 1 },
      },
      beginning: { kind: 'first' },
      now: mailbox.now,
    });
    const delivery = await begun(mailbox);
    const failed = { attempt: delivery.attempt, error: 'cannot be parsed', next: { kind: 'park' } } as const;
    await mailbox.store.failDelivery({ ...named(mailbox, delivery), ...failed });
    await closeStoredMail(mail);
  });

  it.each([
    [['subscriptions'], { subscriptions: [{ name: 'crm', parked: 1 }] }],
    [['deliveries', 'crm'], { positions: [{ mailbox: 'ada@example.com', parked: 1 }] }],
    [['deliveries', 'crm', '--parked'], { parked: [{ mailbox: 'ada@example.com', error: 'cannot be parsed' }] }],
    [['unsubscribe', 'crm'], { name: 'crm', ended: true }],
  ])('%j works', async (args, result) => {
    const { code, stdout, stderr } = await tidemark(env(), ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject(result);
  });

  it('list says that an empty store holds no mailbox', async () => {
    await tidemark({ ...env(), DATABASE_URL: `sqlite:${join(folder(), 'empty.sqlite')}` }, 'migrate');
    const { stdout } = await tidemark({ ...env(), DATABASE_URL: `sqlite:${join(folder(), 'empty.sqlite')}` }, 'list');
    expect(stdout).toMatch(/^No mailbox is stored in sqlite:\S+empty\.sqlite\. Connect one/);
  });

  it('a program lists parked changes, and ends a subscription', async () => {
    const opened = await openDeliveries({ config: loadConfig({ env: env() }) });
    const { deliveries } = opened;
    expect(await deliveries.parked('crm')).toMatchObject([{ error: 'cannot be parsed' }]);
    await deliveries.unsubscribe('crm');
    expect(await deliveries.subscriptions()).toEqual([]);
    await expect(deliveries.positions('crm')).rejects.toMatchObject({ code: 'subscription-unknown' });
    await opened.close();
  });
});
