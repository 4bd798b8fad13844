import type { Random } from './random.ts';

export interface Person {
  readonly name: string;
  readonly email: string;
}

const FIRST_NAMES = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Elif',
  'Fatima',
  'Grace',
  'Håkon',
  'Inès',
  'Jürgen',
  'Kofi',
  'Łukasz',
  'María',
  'Noor',
  'Ola',
  'Priya',
  'Ruth',
  'Søren',
  'Tariq',
  'Zoë',
  '太郎',
  'Юлия',
];
const LAST_NAMES = [
  'Adeyemi',
  'Bauer',
  'Castillo',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ivanova',
  'Jansen',
  'Kowalska',
  'Lindqvist',
  'Müller',
  "O'Brien",
  'Pereira',
  'Ågren',
  '山田',
];
const DOMAINS = ['example.com', 'example.org', 'example.net', 'mail.example.com', 'post.example.org'];

/** People who write to a mailbox. Equal seeds give the same people, so that senders recur as in real mail. */
export function people(random: Random, count: number): Person[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
    const local = name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^A-Za-z]+/g, '.')
      .replace(/^\.+|\.+$/g, '')
      .toLowerCase();
    return { name, email: `${local === '' ? 'post' : local}.${i}@${random.pick(DOMAINS)}` };
  });
}

const TOPICS = [
  'the offer for the new roof',
  'lunch on Friday',
  'the draft contract',
  'our trip to Lisbon',
  'the invoice from March',
  'the team meeting',
  'school holidays',
  'your application',
  'the quarterly numbers',
  'moving the server',
  'the garden party',
  'Grüße aus München',
  'la réunion de mardi',
  'el presupuesto de mayo',
  'the parcel that never came',
  'concert tickets',
  'the translation',
  'a question about the report',
  'rent from next month',
  'photos from Sunday',
  '会議の予定',
  'keys for the office',
];
const OPENERS = ['About', 'Re-thinking', 'Question on', 'Update on', 'Notes on', 'Again:', 'Quick one:', 'Fwd idea:'];
const SHOPS: readonly Person[] = [
  { name: 'Blumen & Söhne', email: 'shop@flowers.example.com' },
  { name: 'The Daily Loaf', email: 'hello@bakery.example.net' },
  { name: 'Nordic Rail', email: 'news@rail.example.org' },
  { name: 'Librería Central', email: 'novedades@books.example.com' },
];
const SERVICES: readonly (Person & { readonly notices: readonly string[] })[] = [
  { name: 'Build Server', email: 'builds@ci.example.com', notices: ['Build %n passed', 'Build %n failed'] },
  {
    name: 'Your Bank',
    email: 'no-reply@bank.example.com',
    notices: ['Your statement no. %n is ready', 'Sign-in from a new device'],
  },
  {
    name: 'Parcel Service',
    email: 'tracking@parcels.example.org',
    notices: ['Parcel %n is on its way', 'Parcel %n was delivered'],
  },
  {
    name: 'Calendar',
    email: 'calendar@example.net',
    notices: ['Reminder: appointment %n', 'Invitation: appointment %n'],
  },
];
const NEWS = [
  'This week: 20% off everything that grows',
  'New trains to the north',
  'Five books for long evenings',
  'Fresh from the oven',
  'Votre sélection de la semaine',
  'Only until Sunday ☀️',
];

export const topic = (random: Random): string => `${random.pick(OPENERS)} ${random.pick(TOPICS)}`;
export const shop = (random: Random): Person => random.pick(SHOPS);
export const headline = (random: Random): string => random.pick(NEWS);

export function notice(random: Random): { from: Person; subject: string } {
  const { notices, ...from } = random.pick(SERVICES);
  return { from, subject: random.pick(notices).replace('%n', String(1_000 + random.int(900_000))) };
}

const SENTENCES = [
  'Thank you for the quick answer.',
  'I have read it twice and agree with nearly all of it.',
  'Could we move this to next week?',
  'The second page still has the old numbers.',
  'Let me know what you think.',
  'Die Unterlagen liegen im üblichen Ordner.',
  'I will call you on Thursday around ten.',
  'There is a small mistake in the last paragraph.',
  "It's not urgent, but I'd like to have it off the table.",
  'Je vous envoie le dossier ce soir.',
  'Nobody else has answered so far.',
  'We should ask Ruth before we decide.',
  'The price went up by 12 € since the last offer.',
  'See the attached file for the details.',
  'If this is fine with you, I will sign it tomorrow.',
  'Nos vemos el lunes por la mañana.',
  'Please do not forward this yet.',
  'The train leaves at 7:42 <platform 3>.',
  'That was a lovely evening & we should repeat it.',
  'I am out of office until the 14th.',
  '来週またご連絡します。',
];

/** Sentences of exactly `bytes` bytes of UTF-8; the last word is cut if necessary. */
export function prose(random: Random, bytes: number): string {
  const parts: string[] = [];
  let length = 0;
  while (length < bytes) {
    const sentence = random.pick(SENTENCES) + (random.int(5) === 0 ? '\r\n\r\n' : ' ');
    parts.push(sentence);
    length += Buffer.byteLength(sentence);
  }
  // The cut may split a multi-byte character: its bytes are replaced by dots.
  const cut = Buffer.from(parts.join(''))
    .subarray(0, Math.max(0, bytes))
    .toString('utf8')
    .replace(/[\uFFFD\r]+$/, '');
  return cut + '.'.repeat(Math.max(0, bytes - Buffer.byteLength(cut)));
}
