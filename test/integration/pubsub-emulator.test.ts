import { createServer, type IncomingMessage } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { publishToEmulator } from '../../src/simulator/publishing.ts';
import { emulatorMissing, PubSubEmulator } from '../fixtures/gmail/emulator.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { PushRig, TOPIC } from './push-fixture.ts';

const HOUR = 3_600_000;
const missing = emulatorMissing();
if (missing !== null) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== null)("through Google's Pub/Sub emulator", () => {
  let emulator: PubSubEmulator;
  let push: PushRig;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    // Keeps Google's client from asking the metadata server of its cloud for a project.
    process.env['METADATA_SERVER_DETECTION'] = 'none';
    emulator = await PubSubEmulator.start();
    await emulator.createTopic(TOPIC);
  }, 60_000);
  afterAll(() => emulator.stop());
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await push.close();
    delete process.env['PUBSUB_EMULATOR_HOST'];
  });

  async function watchedMailbox(name: string) {
    await push.rig.startWorker();
    ends.push(publishToEmulator({ simulator: push.rig.simulator, host: emulator.host }));
    const box = await push.rig.mailbox(name, { messages: 10, pollInterval: HOUR });
    await box.start();
    await box.exact(20_000);
    return box;
  }

  it('a push subscription brings new mail into the store', async () => {
    push = await PushRig.open('emulator-push');
    const { url } = await push.receive();
    // The emulator signs nothing: this proxy adds the token that Google's Pub/Sub would send.
    const signing = createServer((incoming, outgoing) => {
      void (async () => {
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${await push.google.token()}` };
        const answer = await fetch(`${url}/push`, { method: 'POST', headers, body: await textOf(incoming) });
        outgoing.writeHead(answer.status).end();
      })().catch(() => outgoing.writeHead(502).end());
    });
    await new Promise<void>((resolve) => signing.listen(0, '127.0.0.1', resolve));
    ends.push(
      () => new Promise((resolve) => signing.close(resolve)),
      () => signing.closeAllConnections(),
    );
    const address = signing.address();
    const port = typeof address === 'object' ? address?.port : null;
    await emulator.createSubscription('projects/tidemark-test/subscriptions/pushed', {
      topic: TOPIC,
      pushEndpoint: `http://127.0.0.1:${port}/push`,
    });
    const box = await watchedMailbox('emulator-pushed');
    box.deliver('pushed by the emulator');
    await box.exact(10_000);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('a pull subscription brings new mail into the store, skips broken messages, and stops cleanly', async () => {
    push = await PushRig.open('emulator-pull');
    const subscription = 'projects/tidemark-test/subscriptions/pulled';
    await emulator.createSubscription(subscription, { topic: TOPIC });
    process.env['PUBSUB_EMULATOR_HOST'] = emulator.host;
    const service = await push.receive({ subscription });
    const box = await watchedMailbox('emulator-pulled');
    for (const broken of [
      'hello',
      '{}',
      '{"emailAddress": "ada", "historyId": 1}',
      '{"emailAddress": "unknown@example.com", "historyId": 1}',
    ])
      await emulator.publish(TOPIC, broken);
    const before = (await box.report()).counts.stored;
    box.deliver('pulled from the emulator');
    await box.exact(10_000);
    expect((await box.report()).counts.stored).toBe(before + 1);
    await service.stop();
    await expect(service.ended).resolves.toBeUndefined();
  }, 60_000);

  it('a subscription that does not exist ends the program with a reason', async () => {
    push = await PushRig.open('emulator-missing');
    process.env['PUBSUB_EMULATOR_HOST'] = emulator.host;
    const service = await push.receive({ subscription: 'projects/tidemark-test/subscriptions/none' });
    await expect(eventually(20_000, () => service.ended.then(() => true))).rejects.toThrow(/NOT_FOUND|does not exist/);
  });
});

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
