import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { RETRIED_FOR, retryDelay } from '../../src/deliveries/backoff.ts';
import { linkTo } from '../../src/deliveries/webhooks/link.ts';
import { WEBHOOK_FIELDS } from '../../src/model/webhook-field.ts';
import { bodyOf, payloadOfChange, payloadOfEvent, testPayload } from '../../src/deliveries/webhooks/webhook-payload.ts';
import { createWebhookSender } from '../../src/deliveries/webhooks/send-webhook.ts';
import { signedHeaders } from '../../src/deliveries/webhooks/sign-webhook.ts';
import { generateWebhookSecret, receiverKeyOf } from '../../src/deliveries/webhooks/webhook-secret.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { Change } from '../../src/model/change.ts';
import { formatDuration } from '../../src/model/duration.ts';
import { historyId, labelId, mailboxId, messageId, threadId } from '../../src/model/ids.ts';
import { Page } from '../fixtures/docs/page.ts';
import { start } from '../fixtures/docs/snippets.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import { Rig } from '../fixtures/system/rig.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = new Page('webhooks.md');
const codeIn = (language: string): string[] =>
  page
    .blocks()
    .filter((block) => block.language === language)
    .map(({ code }) => code);

const mailbox = mailboxId('ada@example.com');
const at = Date.parse('2026-11-28T09:30:00.000Z');
const message = { mailbox, messageId: messageId('1998a1'), threadId: threadId('1998a0'), at };
const [inbox, unread] = [labelId('INBOX'), labelId('UNREAD')];
const stored: Change = {
  ...message,
  kind: 'stored',
  sequence: 7,
  historyId: historyId('9007199254740993'),
  labelIds: [inbox, unread],
  added: [inbox, unread],
  removed: [],
};
const read: Change = {
  ...message,
  kind: 'labels',
  sequence: 8,
  historyId: historyId('9007199254740995'),
  labelIds: [inbox],
  added: [],
  removed: [unread],
};
const happened = { mailbox, number: 3, after: 8, at } as const;
const inSync = payloadOfEvent({ ...happened, kind: 'in-sync' });
const needsConsent = payloadOfEvent({
  ...happened,
  kind: 'needs-consent',
  code: 'access-revoked',
  reason: 'Google no longer accepts the credentials of ada@example.com: the grant was revoked.',
});

describe('docs/webhooks.md', () => {
  it('shows payloads as they are sent', () => {
    const details = {
      link: linkTo('https://api.example.com/mail/{mailbox}/{messageId}', read),
      message: {
        subject: 'Fresh fish',
        from: { name: 'Bob', address: 'bob@example.com' },
        text: 'Come and see, we have',
      },
    };
    const sent = [
      bodyOf(mailbox, [payloadOfChange(stored)]),
      bodyOf(mailbox, [payloadOfChange(read, details)]),
      bodyOf(mailbox, [payloadOfChange(stored), payloadOfChange(read)]),
      bodyOf(mailbox, [needsConsent]),
    ];
    expect(codeIn('json').map((code) => JSON.stringify(JSON.parse(code)))).toEqual(
      sent.map((bytes) => Buffer.from(bytes).toString()),
    );
  });

  it('names every type and every field', () => {
    const payloads = [
      payloadOfChange(stored),
      payloadOfChange(read),
      payloadOfChange({ ...read, kind: 'gone', why: 'deleted' }),
      payloadOfEvent({ ...happened, kind: 'message-failed', messageId: message.messageId, reason: '' }),
      needsConsent,
      payloadOfEvent({ ...happened, kind: 'recovered' }),
      inSync,
      testPayload(at),
    ];
    expect(new Set(page.table('type').map(([type]) => type))).toEqual(
      new Set([...payloads.map(({ type }) => type), 'mailbox.batch']),
    );
    expect(page.table('field').map(([field]) => field)).toEqual(WEBHOOK_FIELDS);
  });

  it('says when a failed delivery is tried again', () => {
    const delays = Array.from({ length: 9 }, (_, index) =>
      retryDelay({ failures: index + 1, elapsed: 0, asked: null, random: 0.5 }),
    ).map((delay) => formatDuration(delay ?? 0).replace(/(\d+)(\w)/, '$1 $2'));
    const text = page.text().replaceAll('\n', ' ');
    expect(text).toContain(`after ${delays.slice(0, 8).join(', ')}, and then every ${delays[8]}`);
    expect(RETRIED_FOR).toBe(3 * 24 * 3_600_000);
  });
});

describe('the TypeScript of docs/webhooks.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-webhooks-page-'));
  const file = (name: string): string => join(folder, name);
  // The subscriber imports the package: it is compiled with the other pages' programs.
  const [subscriber = '', receiver = '', ed25519 = ''] = codeIn('ts');
  beforeAll(() => {
    symlinkSync(join(root, 'node_modules'), file('node_modules'));
    writeFileSync(file('receiver.mts'), receiver);
    writeFileSync(file('ed25519.mts'), ed25519);
    const compilerOptions = { module: 'nodenext', target: 'es2024', types: ['node'], strict: true, noEmit: true };
    writeFileSync(
      file('tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true }, include: ['*.mts'] }),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('compiles', async () => {
    const compiled = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch(
      (error: unknown) => error,
    );
    expect(compiled).toMatchObject({ stdout: '', stderr: '' });
  });

  it('receives what is sent, and refuses what another secret signed', async () => {
    const secret = generateWebhookSecret();
    const program = spawn(process.execPath, [file('receiver.mts')], {
      env: { ...process.env, PORT: '0', WEBHOOK_SECRET: receiverKeyOf(secret).reveal() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const sender = createWebhookSender({ clock: systemClock });
    try {
      const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
      const { value: first } = await lines.next();
      const url = `http://127.0.0.1:${String(first).replace('port ', '')}/hooks/mail`;
      const send = (secrets: [typeof secret]) =>
        sender.send(
          { url, secrets, allowPrivate: true },
          {
            id: 'dlv_1',
            timestamp: Date.now(),
            signal: new AbortController().signal,
            body: bodyOf(mailbox, [payloadOfChange(stored), needsConsent]),
          },
        );
      expect(await send([generateWebhookSecret()])).toMatchObject({
        kind: 'retry',
        reason: expect.stringContaining('answered 401'),
      });
      expect(await send([secret])).toEqual({ kind: 'accepted' });
      expect(await lines.next()).toMatchObject({ value: 'message.stored ada@example.com 1998a1' });
      expect(await lines.next()).toMatchObject({ value: 'mailbox.needs_consent ada@example.com undefined' });
    } finally {
      await sender.close();
      const ended = once(program, 'exit');
      program.kill();
      await ended;
    }
  });

  it('subscribes, and its receiver gets what is stored from then on', async () => {
    const rig = await Rig.open('webhooks-page', {
      env: { LOG_LEVEL: 'warn', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' },
    });
    onTestFinished(() => rig.close());
    await rig.startWorker();
    const box = await rig.mailbox('subscribed', { messages: 5 });
    await box.start();
    await box.exact(30_000);
    const listening = await onFreePort(async (port) => {
      const url = `http://127.0.0.1:${port}/hooks/mail`;
      const here = (code: string): string => code.replaceAll('https://example.com/hooks/mail', url);
      const subscribed = await start({ code: subscriber }, { folder: rig.folder, env: rig.env, here }).ended;
      expect(subscribed.code, subscribed.stderr).toBe(0);
      const env = { PORT: String(port), WEBHOOK_SECRET: subscribed.stdout.trim() };
      const program = start({ code: receiver }, { folder: rig.folder, env });
      onTestFinished(async () => {
        await program.end('SIGKILL');
      });
      await program.says(/^port \d+$/m);
      return program;
    });
    const { id } = box.deliver('Fresh fish');
    await box.client.sync(box.id, { wait: true });
    const [, type, of, message] = await listening.says(/^(message\.\S+) (\S+) (\S+)$/m);
    expect([type, of, message]).toEqual(['message.stored', box.id, id]);
  }, 90_000);

  it('verifies ed25519 signatures', async () => {
    const { isSigned } = (await import(pathToFileURL(file('ed25519.mts')).href)) as {
      isSigned: (body: string, headers: Record<string, string>, publicKey: string) => boolean;
    };
    const [secret, other] = [generateWebhookSecret('ed25519'), generateWebhookSecret('ed25519')];
    const webhook = { id: 'dlv_1', timestamp: Date.now(), body: Buffer.from('{}') };
    const headers = { ...signedHeaders(webhook, [generateWebhookSecret(), other, secret]) };
    const publicKey = receiverKeyOf(secret).reveal();
    expect(isSigned('{}', headers, publicKey)).toBe(true);
    expect(isSigned('{} ', headers, publicKey)).toBe(false);
    expect(isSigned('{}', headers, receiverKeyOf(generateWebhookSecret('ed25519')).reveal())).toBe(false);
    const old = { ...signedHeaders({ ...webhook, timestamp: Date.now() - 600_000 }, [secret]) };
    expect(isSigned('{}', old, publicKey)).toBe(false);
  });
});
