import { headline, notice, people, prose, shop, topic, type Person } from './mail-content.ts';
import { Random, seedFor } from './random.ts';

export type MailKind = 'conversation' | 'newsletter' | 'notice';

/** All that is kept of a generated message. Its bytes are generated from this plan and are always the same. */
export interface MailPlan {
  readonly owner: string;
  /** Determines the thread's subject, people and Message-IDs. */
  readonly threadSeed: number;
  /** 0 for the thread's first message. */
  readonly position: number;
  readonly kind: MailKind;
  readonly date: number;
  /** The exact length of the message in bytes, if longer than its headers; random when null. */
  readonly bytes: number | null;
}

export interface MailHeading {
  readonly from: Person;
  readonly subject: string;
  readonly isFromOwner: boolean;
}

/** How many people write to one mailbox. */
const CIRCLE = 40;

/** The sender and subject of a message, without its text. */
export function summaryOf(plan: MailPlan): MailHeading {
  const random = new Random(plan.threadSeed);
  const owner = { name: nameOf(plan.owner), email: plan.owner };
  if (plan.kind === 'newsletter') return { from: shop(random), subject: headline(random), isFromOwner: false };
  if (plan.kind === 'notice') return { ...notice(random), isFromOwner: false };
  const friend = people(new Random(seedFor(random.int(CIRCLE), plan.owner)), 1)[0] ?? owner;
  const ownerBegins = random.chance(0.3);
  const isFromOwner = (plan.position % 2 === 0) === ownerBegins;
  const subject = `${plan.position > 0 ? 'Re: ' : ''}${topic(random)}`;
  return { from: isFromOwner ? owner : friend, subject, isFromOwner };
}

/** The message's RFC 822 bytes. */
export function mailBytes(plan: MailPlan): Buffer {
  const random = new Random(plan.threadSeed ^ Math.imul(plan.position + 1, 0x9e3779b1));
  const { from, subject, isFromOwner } = summaryOf(plan);
  const first = summaryOf({ ...plan, position: 0 });
  const second = summaryOf({ ...plan, position: 1 });
  const to = isFromOwner
    ? first.isFromOwner
      ? second.from
      : first.from
    : { name: nameOf(plan.owner), email: plan.owner };
  const headers = [
    ...(isFromOwner
      ? []
      : [
          `Delivered-To: ${plan.owner}`,
          `Received: by 2002:a05:6402:${random.text(4, '0123456789abcdef')} with SMTP id ${random.text(12)}; ` +
            rfcDate(plan.date),
        ]),
    `From: ${address(from)}`,
    `To: ${address(to)}`,
    `Subject: ${encodeSubject(subject, random)}`,
    `Date: ${rfcDate(plan.date)}`,
    `Message-ID: ${messageIdOf(plan, plan.position)}`,
    ...(plan.position > 0 ? replyHeaders(plan) : []),
    ...(plan.kind === 'newsletter'
      ? [`List-Unsubscribe: <mailto:leave@${from.email.split('@')[1] ?? 'example.com'}>`, 'Precedence: bulk']
      : []),
    'MIME-Version: 1.0',
  ].join('\r\n');
  const length = (size: number): number =>
    plan.bytes === null ? size : Math.max(0, plan.bytes - Buffer.byteLength(headers));
  switch (plan.kind) {
    case 'newsletter':
      return newsletter(headers, random, length(4_000 + random.int(12_000)));
    case 'notice':
      return plain(headers, random, length(300 + random.int(900)));
    case 'conversation':
      if (plan.bytes === null && random.chance(0.12)) return withAttachment(headers, random);
      return plain(headers, random, length(200 + Math.floor(4_000 * random.next() ** 3)));
  }
}

export function messageIdOf(plan: MailPlan, position: number): string {
  return `<${plan.threadSeed.toString(16).padStart(8, '0')}.${position}@mail.example.com>`;
}

function replyHeaders(plan: MailPlan): string[] {
  const earlier = Array.from({ length: Math.min(plan.position, 20) }, (_, i) =>
    messageIdOf(plan, plan.position - Math.min(plan.position, 20) + i),
  );
  return [`In-Reply-To: ${messageIdOf(plan, plan.position - 1)}`, `References: ${earlier.join('\r\n ')}`];
}

/** @param size - bytes of everything after `headers` */
function plain(headers: string, random: Random, size: number): Buffer {
  const type = '\r\nContent-Type: text/plain; charset="UTF-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n';
  return Buffer.from(headers + type + prose(random, size - type.length));
}

function newsletter(headers: string, random: Random, size: number): Buffer {
  const boundary = `----=_Part_${random.text(16, '0123456789abcdef')}`;
  const text =
    `\r\n--${boundary}\r\nContent-Type: text/plain; charset="UTF-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n` +
    `${prose(random, 400)}\r\n`;
  const open =
    `\r\nContent-Type: multipart/alternative; boundary="${boundary}"\r\n${text}--${boundary}\r\nContent-Type: ` +
    'text/html; charset="UTF-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
    `<!DOCTYPE html><html><body style="font-family:sans-serif"><h1>${headline(random)}</h1><p>`;
  const close = `</p></body></html>\r\n--${boundary}--\r\n`;
  const left = Math.max(0, size - Buffer.byteLength(open) - close.length);
  return Buffer.from(open.length > 0 ? headers + open + prose(random, left) + close : headers);
}

const FILES = ['offer.pdf', 'photo of the garden.jpg', 'Übersicht.csv', 'minutes.txt', '見積書.pdf'];

function withAttachment(headers: string, random: Random): Buffer {
  const boundary = `000000000000${random.text(16, '0123456789abcdef')}`;
  const file = random.pick(FILES);
  const content = Buffer.alloc(500 + random.int(8_000), random.text(97))
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');
  const name = /^[ -~]*$/.test(file) ? `filename="${file}"` : `filename*=UTF-8''${encodeURIComponent(file)}`;
  return Buffer.from(
    `${headers}\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: ` +
      `text/plain; charset="UTF-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${prose(random, 300)}\r\n` +
      `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; ${name}\r\n` +
      `Content-Transfer-Encoding: base64\r\n\r\n${content}\r\n--${boundary}--\r\n`,
  );
}

function address({ name, email }: Person): string {
  return /^[A-Za-z ]*$/.test(name) ? `${name} <${email}>` : `${encodedWord(name)} <${email}>`;
}

const encodedWord = (text: string): string => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;

/** Encodes a subject as mail programs do: in different ways and sometimes, against the rules, as bare bytes. */
function encodeSubject(subject: string, random: Random): string {
  if (/^[ -~]*$/.test(subject)) return subject;
  if (random.chance(0.1)) return subject;
  const isLatin = /^[ -ÿ]*$/.test(subject);
  if (!isLatin || random.chance(0.5)) return encodedWord(subject);
  const quoted = [...Buffer.from(subject, 'latin1')].map((byte) =>
    byte === 32
      ? '_'
      : /[A-Za-z0-9]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `=?ISO-8859-1?Q?${quoted.join('')}?=`;
}

const rfcDate = (time: number): string => new Date(time).toUTCString().replace('GMT', '+0000');
const nameOf = (email: string): string => (email.split('@')[0] ?? email).replace(/[^A-Za-z]+/g, ' ').trim();
