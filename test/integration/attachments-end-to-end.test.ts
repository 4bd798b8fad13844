import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';

describe('attachments, with everything real but Gmail', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('attachments');
    await rig.startWorker(undefined, hurriedClock);
  });
  afterAll(() => rig.close());

  const tidemark = (...args: string[]) => new Program('cli/main.ts', args, rig.env).ended;

  it('are switched on by an option, fetched for old and new mail, and exported within their messages', async () => {
    const box = await rig.mailbox('attached', { messages: 5, format: 'full' });
    const files = [randomBytes(3_000_000), randomBytes(50)];
    const attachments = files.map((content, index) => ({ name: `${index}.bin`, content }));
    const { id } = box.gmail.insert({
      raw: mailWithAttachments({ subject: 'files', text: 'see below', attachments }),
      labelIds: ['INBOX'],
    });
    await box.start();
    await box.exact(30_000);
    const lean = await exported(id);
    expect(lean).toMatchObject([
      { data: expect.any(String) },
      { attachmentId: expect.any(String), size: 3_000_000 },
      { attachmentId: expect.any(String), size: 50 },
    ]);
    expect(lean[1]).not.toHaveProperty('data');

    expect(await tidemark('configure', box.id, '--attachments', '--yes', '--wait')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('full with attachments'),
    });
    const whole = await exported(id);
    expect(files.map((file, index) => Buffer.from(whole[index + 1]?.data ?? '', 'base64url').equals(file))).toEqual([
      true,
      true,
    ]);

    const { id: arrived } = box.gmail.insert({
      raw: mailWithAttachments({ subject: 'one more', text: 'text', attachments: [{ name: 'a', content: 'late' }] }),
      labelIds: ['INBOX'],
    });
    await box.client.poke(box.id);
    const parts = await eventually(
      20_000,
      async () => (await exported(arrived)).at(-1) ?? null,
      () => 'the new message was not stored',
    );
    expect(Buffer.from(parts.data ?? '', 'base64url').toString()).toBe('late');
    expect(await box.workflowFailures()).toEqual([]);

    /** The bodies of an exported message's parts; an empty list when it is not stored. */
    async function exported(messageId: string): Promise<readonly { readonly data?: string }[]> {
      const { code, stdout } = await tidemark('export', box.id);
      expect(code).toBe(0);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; payload: { parts: { body: { data?: string } }[] } });
      return lines.find((line) => line.id === messageId)?.payload.parts.map(({ body }) => body) ?? [];
    }
  }, 90_000);
});
