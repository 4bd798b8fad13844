import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { generateWebhookSecret } from '../../src/deliveries/webhooks/webhook-secret.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Receiver, type Received } from '../fixtures/host/webhook-receiver.ts';

let folder: string;
let receiver: Receiver;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-test-webhook-'));
  receiver = await Receiver.open();
});
afterEach(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true });
});

const testWebhook = (...args: readonly string[]) =>
  tidemark(
    { HOME: folder, TIDEMARK_DATA_DIR: join(folder, 'data'), TEMPORAL_ADDRESS: '127.0.0.1:1' },
    'test-webhook',
    ...args,
  );

function verified(secret: string, { body, headers }: Received): unknown {
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return new Webhook(secret).verify(body, flat);
}

describe('tidemark test-webhook', () => {
  const url = (): string => `http://127.0.0.1:${receiver.port}/hooks/mail`;

  it('sends one event that a receiver verifies with the secret that is shown', async () => {
    const { code, stdout, stderr } = await testWebhook(url(), '--allow-private');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^Accepted after \d+ ms\.\n$/) });
    const [request] = receiver.received;
    if (request === undefined) throw new Error('nothing was received');
    expect(verified(/whsec_\S+/.exec(stderr)?.[0] ?? '', request)).toMatchObject({ type: 'webhook.test', data: {} });
  });

  it('signs with the secret of a file, and does not show it', async () => {
    const secret = generateWebhookSecret().text.reveal();
    writeFileSync(join(folder, 'secret'), `${secret}\n`);
    const said = await testWebhook(url(), '--allow-private', '--secret-file', join(folder, 'secret'), '--json');
    expect(JSON.parse(said.stdout)).toEqual({ accepted: true, milliseconds: expect.any(Number) });
    expect(said.stderr).toBe('');
    const [request] = receiver.received;
    if (request === undefined) throw new Error('nothing was received');
    expect(verified(secret, request)).toMatchObject({ type: 'webhook.test' });
  });

  it('fails with what the receiver answered', async () => {
    receiver.answers(401, {}, 'who are you?');
    expect(await testWebhook(url(), '--allow-private')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        `The webhook was not accepted: 127.0.0.1:${receiver.port} answered 401. Its answer begins: who are you?`,
      ),
    });
  });

  it('reaches a private address only when that is allowed', async () => {
    expect(await testWebhook(url())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('127.0.0.1 is a loopback address'),
    });
    expect(receiver.connections).toBe(0);
  });

  it.each([
    ['does not exist', null],
    ['cannot be used', 'not a secret'],
  ])('names a secret file that %s', async (why, content) => {
    const file = join(folder, 'secret');
    if (content !== null) writeFileSync(file, content);
    const { code, stderr } = await testWebhook(url(), '--secret-file', file);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`The secret file ${file} ${why}.`) });
  });
});
