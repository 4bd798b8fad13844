import { Random } from '../../src/simulator/random.ts';
import type { SharedGmail } from './shared-gmail.ts';

const RELABELLED = 100;
const TRASHED = 20;
const DELETED = 40;
const ARRIVED = 40;
/** How many changes {@link changeMail} makes. */
export const CHANGES = RELABELLED + TRASHED + DELETED + ARRIVED;

/** Changes the mailbox as its owner may within a day. The same seed changes the same mailbox in the same way. */
export async function changeMail(gmail: SharedGmail, seed: number): Promise<void> {
  const random = new Random(seed);
  const { messages, labels } = await gmail.truth();
  const left = [...messages];
  const take = () => {
    const [taken] = left.splice(random.int(left.length), 1);
    if (taken === undefined) throw new RangeError('the mailbox is too small for so many changes');
    return taken;
  };
  const own = labels.filter(({ type }) => type === 'user').map(({ id }) => id);
  for (let count = 0; count < RELABELLED; count++) {
    const { id, labelIds } = take();
    const label = random.pick(['STARRED', 'UNREAD', 'INBOX', ...own]);
    const direction = labelIds.includes(label) ? 'remove' : 'add';
    await gmail.change('modify', { ids: [id], [direction]: [label] });
  }
  for (let count = 0; count < TRASHED; count++) await gmail.change('trash', { id: take().id });
  for (let count = 0; count < DELETED; count++) await gmail.change('delete', { ids: [take().id] });
  for (let count = 0; count < ARRIVED; count++)
    await gmail.change('messages', { raw: mailOf(`${seed}.${count}`, random), labelIds: ['INBOX', 'UNREAD'] });
}

function mailOf(name: string, random: Random): string {
  const words = Array.from({ length: 400 }, () => random.text(8, 'abcdefghijklmnopqrstuvwxyz')).join(' ');
  const text = words.replace(/(.{1,70}) /g, '$1\r\n');
  return (
    `Message-ID: <${name}@arrived.example>\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n` +
    `From: bob@example.com\r\nTo: ada@example.com\r\nSubject: message ${name}\r\n\r\n${text}\r\n`
  );
}
