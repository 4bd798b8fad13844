import { afterAll, beforeAll, expect, it } from 'vitest';

import { resolveLabels } from '../../src/accounts/label-names.ts';
import { RenameRefusedError } from '../../src/client/errors.ts';
import { openWithStores, type TidemarkWithStores } from '../../src/app/open-with-stores.ts';
import { AccessRevokedError, type TokenProvider } from '../../src/gmail/access/token-provider.ts';
import { createLog } from '../../src/host/log.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { completeSettings } from '../../src/model/settings-change.ts';
import { runWorker, type RunningWorker } from '../../src/worker.ts';
import { providedToken } from '../fixtures/gmail/provided-token.ts';
import { Rig } from '../fixtures/system/rig.ts';

let rig: Rig;
let worker: RunningWorker;
let tidemark: TidemarkWithStores;
const revoked = new Set<string>();

const tokenProvider: TokenProvider = async (mailbox, { signal }) => {
  if (revoked.has(mailbox)) throw new AccessRevokedError('the customer took the access back');
  return await providedToken(rig, mailbox, signal);
};

beforeAll(async () => {
  rig = await Rig.open('token-provider');
  const { config } = rig;
  worker = await runWorker({ config, log: createLog('silent'), tokenProvider });
  tidemark = await openWithStores({ config, tokenProvider });
});
afterAll(async () => {
  await worker.stop();
  await tidemark.close();
  await rig.close();
});

it('a mailbox whose product keeps the tokens is mirrored, waits for consent, and goes on', async () => {
  const box = await rig.mailbox('kept', { messages: 40 });
  await rig.tidemark.credentials.delete(box.id);
  await box.start();
  await box.exact(30_000);

  // The client, too, gets its tokens from the provider.
  const asFull = completeSettings({ ...box.settings, format: 'full' });
  expect(await tidemark.client.previewSettings(box.id, asFull)).toMatchObject({ fetching: { certainty: 'exact' } });
  const label = box.gmail.createLabel('Invoices');
  const asked = { config: rig.config, stores: tidemark, mailbox: box.id, clock: systemClock, tokenProvider };
  expect(await resolveLabels({ ...asked, names: ['invoices'] })).toEqual([label.id]);

  revoked.add(box.id);
  // The worker still has a token, which Gmail no longer takes.
  rig.simulator.revoke(box.id);
  box.deliver('nobody may read me');
  await box.client.poke(box.id);
  const report = await box.reaches('needs-consent', 30_000);
  expect(report.blocked?.message).toContain('(the customer took the access back)');

  revoked.delete(box.id);
  rig.simulator.grant(box.id);
  expect(await tidemark.client.reconnect(box.id)).toBe(true);
  await box.exact(30_000);
  expect(await box.workflowFailures()).toEqual([]);
}, 90_000);

it('a mailbox whose product keeps the tokens is renamed only once its new address has a token', async () => {
  const box = await rig.mailbox('before', { messages: 20 });
  await rig.tidemark.credentials.delete(box.id);
  await box.start();
  await box.exact(30_000);
  const renamed = mailboxId(`after-${process.pid}@example.com`);
  rig.simulator.rename(box.id, renamed);

  revoked.add(renamed);
  const refused = tidemark.client.rename(box.id, renamed);
  await expect(refused).rejects.toThrow(RenameRefusedError);
  await expect(refused).rejects.toThrow(/token provider says that its access was revoked \(the customer took/);
  expect((await box.report()).phase).toBe('live');

  revoked.delete(renamed);
  await tidemark.client.rename(box.id, renamed);
  await tidemark.client.sync(renamed, { wait: true });
  expect(await tidemark.client.status(renamed)).toMatchObject({ phase: 'live', inSync: true });
  await tidemark.client.stop(renamed);
}, 90_000);
