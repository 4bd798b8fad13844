import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../model/error-code.ts';
import { MailFileError } from './mail-file-error.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import { readMbox, unquoteFrom } from './read-mbox.ts';
import { headerValue, parseHeaders, type Header } from './mime.ts';
import { systemLabel, takeoutMarks, withoutMarks } from './takeout.ts';

export interface ImportOptions {
  readonly mailbox: SimulatedMailbox;
  /**
   * An mbox file (Google Takeout's or any other), or a folder of `.eml` files, searched recursively. The files must
   * stay where they are, because bytes are read from them later.
   */
  readonly path: string;
  /** Labels for mail that names no labels; INBOX when not given. */
  readonly labelIds?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each message with the number imported so far. */
  readonly onProgress?: ((imported: number) => void) | undefined;
}

/**
 * Puts mail from files into a mailbox, byte by byte as it was sent: Takeout's own two headers and the mbox quoting of
 * `From ` lines are removed. Memory holds only the position of each message, never its bytes.
 * @returns how many messages were imported
 * @throws {MailFileError} when `path` is neither an mbox file nor a folder with `.eml` files
 */
export async function importMail({
  mailbox,
  path,
  labelIds = ['INBOX'],
  signal,
  onProgress,
}: ImportOptions): Promise<number> {
  const importer = new Importer(mailbox, labelIds);
  if (await isFolder(path)) {
    for (const name of (await readdir(path, { recursive: true })).filter((name) => /\.eml$/i.test(name)).sort()) {
      signal?.throwIfAborted();
      const file = join(path, name);
      importer.add(parseHeaders(await readFile(file)).headers, () => readAgain(file, () => readFileSync(file)), null);
      onProgress?.(importer.count);
    }
    if (importer.count === 0)
      throw new MailFileError(
        `${path} holds no .eml files, nor do folders in it. Name another folder, or an mbox file.`,
      );
    return importer.count;
  }
  for await (const { bytes, start, end, receivedAt } of readMbox(path, signal)) {
    const raw = (): Buffer => readAgain(path, () => withoutMarks(unquoteFrom(readRange(path, start, end))));
    importer.add(parseHeaders(bytes).headers, raw, receivedAt);
    onProgress?.(importer.count);
  }
  return importer.count;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new MailFileError(`${path} does not exist. Name an mbox file, or a folder of .eml files.`, { cause: error });
  }
}

/** Reads a message long after its import: its file may be moved or changed by then. */
function readAgain(path: string, read: () => Buffer): Buffer {
  try {
    return read();
  } catch (error) {
    throw new MailFileError(
      `${path} was moved or changed after its mail was imported. Put it back as it was, or start the simulator again.`,
      { cause: error },
    );
  }
}

class Importer {
  count = 0;
  readonly #mailbox: SimulatedMailbox;
  readonly #fallback: readonly string[];
  /** Threads by Message-ID, for mail that names no thread. */
  readonly #threads = new Map<string, string>();

  constructor(mailbox: SimulatedMailbox, fallback: readonly string[]) {
    this.#mailbox = mailbox;
    this.#fallback = fallback;
  }

  add(headers: readonly Header[], raw: () => Buffer, receivedAt: number | null): void {
    const marks = takeoutMarks(headers);
    const date = Date.parse(headerValue(headers, 'date') ?? '');
    const labelIds = marks.labels?.flatMap((name) => this.#labelId(name)) ?? this.#fallback;
    const inserted = this.#mailbox.insert({
      raw,
      labelIds,
      threadId: marks.threadId ?? this.#threadOf(headers),
      internalDate: receivedAt ?? (Number.isNaN(date) ? undefined : date),
    });
    const messageId = idsIn(headerValue(headers, 'message-id'))[0];
    if (messageId !== undefined) this.#threads.set(messageId, inserted.threadId);
    if (labelIds.includes('DRAFT')) this.#mailbox.drafts.set(`r${BigInt(`0x${inserted.id}`)}`, inserted.id);
    this.count += 1;
  }

  #labelId(name: string): string[] {
    const system = systemLabel(name);
    if (system === null) return [];
    if (system !== undefined) return [system];
    const known = this.#mailbox.labels().find((label) => label.name.toLowerCase() === name.toLowerCase());
    return [(known ?? this.#mailbox.createLabel(name)).id];
  }

  #threadOf(headers: readonly Header[]): string | undefined {
    const named = [
      ...idsIn(headerValue(headers, 'in-reply-to')),
      ...idsIn(headerValue(headers, 'references')).toReversed(),
    ];
    for (const id of named) {
      const threadId = this.#threads.get(id);
      if (threadId !== undefined) return threadId;
    }
    return undefined;
  }
}

function idsIn(header: string | null): string[] {
  return header?.match(/<[^<>\s]+>/g) ?? [];
}

function readRange(path: string, start: number, end: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(end - start);
    let read = 0;
    while (read < bytes.length) {
      const more = readSync(file, bytes, read, bytes.length - read, start + read);
      if (more === 0) throw new Error(`${path} became shorter`);
      read += more;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
