import { afterEach, beforeEach } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { DEFAULT_SETTINGS, type MessageFormat } from '../../src/model/settings.ts';
import { openReader, type MailboxReader, type OpenedReader } from '../../src/reading/index.ts';
import { openStores, type Stores } from '../../src/store/open-store.ts';
import { parseMime } from '../../src/simulator/mime.ts';
import { payloadOf } from '../../src/simulator/payload.ts';
import { deepJson } from '../../src/model/deep-json.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import type { ReadingFields } from '../fixtures/store/contract-messages.ts';

/** A body as Gmail answers it in a format, made by the simulator. */
export function bodyOf(format: MessageFormat, raw: string | Buffer): string {
  const bytes = Buffer.from(raw);
  if (format === 'raw') return bytes.toString('latin1');
  const payload = payloadOf('m', parseMime(bytes));
  if (format === 'minimal') return '{}';
  const { headers, mimeType } = payload;
  return deepJson({ payload: format === 'full' ? payload : { mimeType, headers } });
}

/** A mailbox whose messages a test stores as a worker does, and reads as an application does. */
export interface StoredMail {
  readonly url: string;
  readonly stores: Stores;
  readonly mailbox: TestMailbox;
  readonly reader: OpenedReader;
  readonly read: MailboxReader;
  /** Stores messages in a format, from their RFC 822 bytes. */
  readonly store: (
    format: MessageFormat,
    mail: Readonly<Record<string, string | Buffer>>,
    fields?: Omit<ReadingFields, 'body'>,
  ) => Promise<void>;
}

export async function openStoredMail(url: string): Promise<StoredMail> {
  const stores = await openStores(databaseAt(url));
  const mailbox = new TestMailbox(stores.store, mailboxId('ada@example.com'));
  await mailbox.put();
  const reader = await openReader({ database: url });
  return {
    url,
    stores,
    mailbox,
    reader,
    read: reader.mailbox('ada@example.com'),
    store: async (format, mail, fields = {}) => {
      await mailbox.put({ ...DEFAULT_SETTINGS, format });
      for (const [id, raw] of Object.entries(mail)) {
        const { body: _, ...read } = reading(id, fields);
        const body =
          format === 'minimal' ? null : Buffer.from(bodyOf(format, raw), format === 'raw' ? 'latin1' : 'utf8');
        await mailbox.saveAs(format, { ...read, body });
      }
    },
  };
}

/** Opens stored mail before each test, and closes it afterwards. */
export function useStoredMail(url: () => string | Promise<string>): () => StoredMail {
  let open: StoredMail | null = null;
  beforeEach(async () => {
    open = await openStoredMail(await url());
  });
  afterEach(async () => {
    await open?.reader.close();
    await open?.stores.credentials.close();
    await open?.stores.store.close();
    open = null;
  });
  return () => {
    if (open === null) throw new Error('mail is open during a test only');
    return open;
  };
}
