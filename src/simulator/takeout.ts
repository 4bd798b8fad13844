import { headerValue, type Header } from './mime.ts';

/** What Google Takeout adds to a message's own headers. */
export interface TakeoutMarks {
  /** Gmail's thread id in hexadecimal, as the API writes it; null when the file is not Takeout's. */
  readonly threadId: string | null;
  /** Names of `X-Gmail-Labels`; null when the header is missing. */
  readonly labels: readonly string[] | null;
}

export function takeoutMarks(headers: readonly Header[]): TakeoutMarks {
  const thread = headerValue(headers, 'x-gm-thrid')?.trim() ?? '';
  const labels = headerValue(headers, 'x-gmail-labels');
  return {
    threadId: /^\d{1,20}$/.test(thread) ? BigInt(thread).toString(16) : null,
    labels: labels === null ? null : splitLabels(labels),
  };
}

/** Comma-separated; a name with a comma is in quotes. */
function splitLabels(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|[^,"]+/g)]
    .map(([whole, quoted]) => (quoted ?? whole).replace(/\\(.)/g, '$1').trim())
    .filter((name) => name !== '');
}

/** The mail's own bytes, without Takeout's two headers. */
export function withoutMarks(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  let isMark = false;
  while (at < bytes.length) {
    const newline = bytes.indexOf(10, at);
    const next = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(at, Math.min(next, at + 20)).toString('latin1');
    if (/^\r?\n?$/.test(line)) break;
    if (!/^[ \t]/.test(line)) isMark = /^x-(gm-thrid|gmail-labels)\s*:/i.test(line);
    if (!isMark) kept.push(bytes.subarray(at, next));
    at = next;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}

/** Takeout's names for the system labels, which are in the language of the account. */
const SYSTEM_NAMES: Readonly<Record<string, readonly string[]>> = {
  INBOX: [
    'inbox',
    'posteingang',
    'boîte de réception',
    'recibidos',
    'bandeja de entrada',
    'posta in arrivo',
    'caixa de entrada',
    'postvak in',
  ],
  SENT: ['sent', 'gesendet', 'messages envoyés', 'envoyés', 'enviados', 'inviati', 'posta inviata', 'verzonden'],
  STARRED: ['starred', 'markiert', 'messages suivis', 'suivis', 'destacados', 'speciali', 'com estrela', 'met ster'],
  UNREAD: ['unread', 'ungelesen', 'non lus', 'no leídos', 'da leggere', 'non letti', 'não lidas', 'ongelezen'],
  TRASH: ['trash', 'papierkorb', 'corbeille', 'papelera', 'cestino', 'lixeira', 'lixo', 'prullenbak'],
  SPAM: ['spam', 'junk'],
  IMPORTANT: ['important', 'wichtig', 'importants', 'importante', 'importantes', 'importanti', 'belangrijk'],
  DRAFT: ['drafts', 'draft', 'entwürfe', 'brouillons', 'borradores', 'bozze', 'rascunhos', 'concepten'],
  CHAT: ['chat', 'chats'],
};

/** Names of states for which the API has no label: read, and not in the inbox. */
const NO_LABEL = new Set([
  'opened',
  'geöffnet',
  'ouvert',
  'ouverts',
  'abierto',
  'abiertos',
  'aperti',
  'aberto',
  'abertas',
  'geopend',
  'archived',
  'archiviert',
  'archivé',
  'archivés',
  'archivado',
  'archivados',
  'archiviati',
  'arquivado',
  'arquivadas',
  'gearchiveerd',
]);

const CATEGORY = /^(?:category|kategorie|catégorie|categoría|categoria|categorie)\s*:?\s*(.+)$/;
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  CATEGORY_PERSONAL: [
    'personal',
    'primary',
    'allgemein',
    'persönlich',
    'principale',
    'personnel',
    'principal',
    'personale',
    'pessoal',
    'primair',
    'persoonlijk',
  ],
  CATEGORY_SOCIAL: ['social', 'soziale netzwerke', 'réseaux sociaux', 'sociaal'],
  CATEGORY_PROMOTIONS: ['promotions', 'werbung', 'promociones', 'promozioni', 'promoções', 'reclame'],
  CATEGORY_UPDATES: [
    'updates',
    'benachrichtigungen',
    'notifications',
    'notificaciones',
    'aggiornamenti',
    'atualizações',
  ],
  CATEGORY_FORUMS: ['forums', 'foren', 'foros', 'forum', 'fóruns'],
};

/**
 * The id of the system label for a Takeout name; null for a state without a label, undefined for one of the user's own
 * labels.
 */
export function systemLabel(name: string): string | null | undefined {
  const plain = name
    .normalize('NFC')
    .toLowerCase()
    .replace(/["„“”«»]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (NO_LABEL.has(plain)) return null;
  const category = CATEGORY.exec(plain)?.[1];
  return category === undefined ? lookUp(SYSTEM_NAMES, plain) : lookUp(CATEGORIES, category);
}

function lookUp(table: Readonly<Record<string, readonly string[]>>, name: string): string | undefined {
  return Object.entries(table).find(([, names]) => names.includes(name))?.[0];
}
