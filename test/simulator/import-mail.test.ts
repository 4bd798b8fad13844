import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importMail } from '../../src/simulator/import-mail.ts';
import { MailFileError } from '../../src/simulator/mail-file-error.ts';
import { startSimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemLabel } from '../../src/simulator/takeout.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { ADA, openSimulator } from '../fixtures/gmail/simulator-fixture.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-import-'));
});
afterEach(() => rm(folder, { recursive: true }));

const text = (raw: string): string => Buffer.from(raw, 'base64url').toString('latin1');

async function mbox(content: string | Buffer): Promise<string> {
  const path = join(folder, 'mail.mbox');
  await writeFile(path, content);
  return path;
}

describe('importing Takeout’s mbox', () => {
  it('keeps thread, labels, time of arrival and the very bytes of the mail', async () => {
    const { mailbox } = await openSimulator();
    const mail = 'From: b@example.org\r\nSubject: Gr\xfc\xdfe\r\n\r\nFrom here on\r\n>quoted\r\n\r\nend\r\n';
    const path = await mbox(
      Buffer.from(
        'From 1700000000000000001@xxx Tue Jun 06 12:34:56 +0200 2023\r\nX-GM-THRID: 1700000000000000001\r\n' +
          'X-Gmail-Labels: =?UTF-8?Q?Posteingang,Ge=C3=B6ffnet,Kategorie_=E2=80=9EWerbung?=\r\n ' +
          '=?UTF-8?Q?=E2=80=9C,"Reisen,_weit",Wichtig?=\r\n' +
          mail.replace('From here', '>From here') +
          '\r\nFrom 2@xxx Wed Jun 07 00:00:00 +0000 2023\r\nX-GM-THRID: 1700000000000000001\r\nX-Gmail-Labels: ' +
          'Sent,Archived\r\nSubject: two\r\n\r\nbody\r\n',
        'latin1',
      ),
    );
    const seen: number[] = [];
    expect(await importMail({ mailbox, path, onProgress: (count) => seen.push(count) })).toBe(2);
    expect(seen).toEqual([1, 2]);
    const own = mailbox.labels().find(({ name }) => name === 'Reisen, weit');
    const [first, second] = mailbox.truth();
    expect(text(first?.raw ?? '')).toBe(mail);
    expect(first).toMatchObject({
      threadId: 1700000000000000001n.toString(16),
      internalDate: Date.UTC(2023, 5, 6, 10, 34, 56),
      labelIds: ['CATEGORY_PROMOTIONS', 'IMPORTANT', 'INBOX', own?.id],
    });
    expect(second).toMatchObject({ threadId: first?.threadId, labelIds: ['SENT'] });
    expect(text(second?.raw ?? '')).toBe('Subject: two\r\n\r\nbody\r\n');
  });

  it('finds every message where separators straddle the chunks of the stream', async () => {
    const { mailbox } = await openSimulator();
    const mails = Array.from({ length: 30 }, (_, i) => `Subject: ${i}\n\n${'x'.repeat(400_000 + i * 7_001)}\n`);
    const path = await mbox(mails.map((mail) => `From - Thu Jan 01 00:00:00 2026\n${mail}\n`).join(''));
    expect(await importMail({ mailbox, path })).toBe(30);
    expect(
      mailbox
        .truth()
        .map(({ raw }) => text(raw))
        .sort(),
    ).toEqual(mails.sort());
  });

  it('begins a message at a line that begins with From only after an empty line', async () => {
    const { mailbox } = await openSimulator();
    const path = await mbox('From a Thu Jan 01 00:00:00 2026\nSubject: x\n\none\nFrom two\n');
    expect(await importMail({ mailbox, path })).toBe(1);
  });

  it('takes one > off each quoted From line', async () => {
    const { mailbox } = await openSimulator();
    await importMail({
      mailbox,
      path: await mbox('From a Thu Jan 01 00:00:00 2026\nSubject: x\n\n>From\n>From me\n>>From you\nsay >From\n'),
    });
    expect(text(mailbox.truth()[0]?.raw ?? '')).toBe('Subject: x\n\n>From\nFrom me\n>From you\nsay >From\n');
  });

  it.each(['PK\x03\x04 and so on', 'ab', 'Subject: an .eml file\r\n\r\nhello'])(
    'refuses a file that is no mbox, and says what to name instead: %j',
    async (content) => {
      const { mailbox } = await openSimulator();
      const path = await mbox(content);
      await expect(importMail({ mailbox, path })).rejects.toThrow(
        new MailFileError(
          `${path} is not an mbox file: its first line does not begin with "From ". ` +
            'Unpack an archive first. For .eml files, name the folder that holds them.',
        ),
      );
    },
  );

  it('takes an empty mbox for a mailbox without mail', async () => {
    const { mailbox } = await openSimulator();
    expect(await importMail({ mailbox, path: await mbox('') })).toBe(0);
  });

  it('says that there is no such file, and that a folder holds no .eml files', async () => {
    const { mailbox } = await openSimulator();
    const path = join(folder, 'nowhere.mbox');
    await expect(importMail({ mailbox, path })).rejects.toThrow(
      new MailFileError(`${path} does not exist. Name an mbox file, or a folder of .eml files.`),
    );
    await mbox('From a Thu Jan 01 00:00:00 2026\nSubject: x\n\nhello\n');
    await expect(importMail({ mailbox, path: folder })).rejects.toThrow(
      new MailFileError(`${folder} holds no .eml files, nor do folders in it. Name another folder, or an mbox file.`),
    );
  });

  it('says what to do about a file that was moved after its import, in the answer to a call, too', async () => {
    const simulator = new Simulator({ clock: systemClock });
    const path = await mbox('From a Thu Jan 01 00:00:00 2026\nSubject: x\n\nhello\n');
    const mailbox = simulator.addMailbox(ADA);
    await importMail({ mailbox, path });
    const server = await startSimulatorServer({ simulator, port: 0 });
    try {
      await rm(path);
      const told =
        `${path} was moved or changed after its mail was imported. ` +
        'Put it back as it was, or start the simulator again.';
      const truth = await fetch(`${server.url}/simulator/truth?email=${ADA}`);
      expect({ status: truth.status, body: await truth.json() }).toEqual({ status: 500, body: { error: told } });

      const { client_id, client_secret, refresh_token } = simulator.credentialsFor(ADA);
      const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
      const token = await fetch(`${server.url}/token`, { method: 'POST', body: form });
      const { access_token: access } = (await token.json()) as { access_token: string };
      const [id] = [...mailbox.all()].map((message) => message.id);
      const answer = await fetch(`${server.url}/gmail/v1/users/me/messages/${id}?format=raw`, {
        headers: { authorization: `Bearer ${access}` },
      });
      expect({ status: answer.status, text: await answer.text() }).toEqual({
        status: 500,
        text: `The simulator cannot answer this call: ${told}\n`,
      });
    } finally {
      await server.close();
    }
  });

  it.each([
    ['Inbox', 'INBOX'],
    ['Papierkorb', 'TRASH'],
    ['Non lus', 'UNREAD'],
    ['Category Updates', 'CATEGORY_UPDATES'],
    ['Kategorie: Werbung', 'CATEGORY_PROMOTIONS'],
    ['Opened', null],
    ['Archiviert', null],
    ['Work', undefined],
  ])('knows what %s means', (name, expected) => {
    expect(systemLabel(name)).toBe(expected);
  });
});

describe('importing a folder of eml files', () => {
  it('reads the folders in it, and puts replies into the thread of what they answer', async () => {
    const { mailbox } = await openSimulator();
    await mkdir(join(folder, 'sub'));
    const first = 'Message-ID: <1@x>\r\nDate: Thu, 01 Jan 2026 10:00:00 +0100\r\nSubject: a\r\n\r\n\xe4';
    await writeFile(join(folder, 'a.eml'), first, 'latin1');
    await writeFile(
      join(folder, 'sub', 'b.EML'),
      'Message-ID: <2@x>\r\nReferences: <0@x> <1@x>\r\nSubject: Re: a\r\n\r\nb',
    );
    await writeFile(join(folder, 'notes.txt'), 'not mail');
    expect(await importMail({ mailbox, path: folder, labelIds: ['STARRED'] })).toBe(2);
    const mail = mailbox.truth();
    expect(new Set(mail.map(({ threadId }) => threadId)).size).toBe(1);
    const found = mail.find(({ internalDate }) => internalDate === Date.UTC(2026, 0, 1, 9));
    expect(text(found?.raw ?? '')).toBe(first);
    expect(found?.labelIds).toEqual(['STARRED']);
  });
});
