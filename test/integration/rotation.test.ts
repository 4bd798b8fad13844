import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, it } from 'vitest';

import { rotateKey } from '../../src/accounts/rotate-key.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';

let rig: Rig;
afterEach(() => rig.close());

it('a worker goes on while the key is rotated twice, and reads credentials of the newest key', async () => {
  rig = await Rig.open('rotation');
  await rig.startWorker();
  const box = await rig.mailbox('rotation', { messages: 20 });
  await box.start();
  await box.exact(30_000);
  const rotate = () => rotateKey({ config: rig.config, stores: rig.tidemark, clock: systemClock });
  const first = await rotate();
  box.deliver('under the first key');
  await box.client.sync(box.id, { wait: true });
  const second = await rotate();
  expect([first, second]).toMatchObject([
    { madeKey: true, reencrypted: 1 },
    { madeKey: true, reencrypted: 1 },
  ]);
  expect(readFileSync(join(rig.folder, 'tidemark.key'), 'utf8').trim().split('\n')).toHaveLength(2);
  // New credentials have a new version: the worker decrypts them, and had neither of the keys when it began.
  rig.simulator.revoke(box.id);
  rig.simulator.grant(box.id);
  await box.connect();
  expect((await rig.tidemark.credentials.get(box.id))?.keyId).toBe(second.keyId);
  box.deliver('under the second key');
  await box.client.reconnect(box.id);
  await box.exact(30_000);
}, 90_000);
