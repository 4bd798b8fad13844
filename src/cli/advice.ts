import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { TidemarkError } from '../model/tidemark-error.ts';

/**
 * The commands by which a person carries out a remedy: a sentence, mostly without its full stop. Pure.
 *
 * @returns null for a remedy of a newer version's worker
 */
export function adviceOf(remedy: Remedy): string | null {
  switch (remedy.kind) {
    case 'start':
      return `Start it: tidemark start ${remedy.mailbox} (tidemark list names all mailboxes)`;
    case 'connect-and-start':
      return `Start it: tidemark start ${remedy.mailbox}. If it was never connected, first: ${connect(remedy.mailbox)}`;
    case 'connect':
      return `Connect it: ${connect(remedy.mailbox)}`;
    case 'grant':
      return grantAdvice(remedy);
    case 'end-pause':
      return `Continue with: tidemark resume ${remedy.mailbox}`;
    case 'ask-again':
      return (
        `Ask Gmail again at once: tidemark resume ${remedy.mailbox}` +
        (remedy.orConnect ? `. If it stays so, make a new grant: tidemark login ${remedy.mailbox} --client FILE` : '')
      );
    case 'correct-labels':
      return `Correct it: tidemark configure ${remedy.mailbox} --label NAME, then tidemark resume ${remedy.mailbox}`;
    case 'take-place':
      return (
        (remedy.resumes ? `With the right database: tidemark resume ${remedy.mailbox}. ` : '') +
        `If this one shall take its place: tidemark stop ${remedy.mailbox}, then tidemark start ${remedy.mailbox}`
      );
    case 'rename':
      return renameAdvice(remedy);
    case 'rename-by-force':
      return `If you know better: tidemark rename ${remedy.from} ${remedy.to} --force`;
    case 'remove':
      return `If ${remedy.mailbox} was begun by mistake: "tidemark remove ${remedy.mailbox} --yes", then rename again.`;
    case 'pause':
      return `To pause it: tidemark pause ${remedy.mailbox}`;
    case 'run-worker':
    case 'run-server':
    case 'list-subscriptions':
    case 'end-subscription':
    case 'migrate':
    case 'make-store':
    case 'check-bodies':
    case 'see-failures':
    case 'store-attachments':
    case 'consent-with-client':
    case 'connect-single':
      return generalAdvice(remedy);
    default:
      remedy satisfies never;
      return null;
  }
}

/** The advice on what is of no single mailbox, or is in it. */
function generalAdvice(remedy: GeneralRemedy): string {
  switch (remedy.kind) {
    case 'run-worker':
      return 'Run a worker: tidemark worker';
    case 'run-server':
      return 'Without TEMPORAL_ADDRESS, npm start runs one.';
    case 'list-subscriptions':
      return 'List all: tidemark subscriptions';
    case 'end-subscription':
      return `To end it: tidemark unsubscribe ${remedy.subscription}`;
    case 'migrate':
      return 'Run: tidemark migrate';
    case 'make-store':
      return (
        'A store is made when a mailbox is connected (tidemark login, tidemark connect), ' +
        'by npm start, and by tidemark migrate.'
      );
    case 'check-bodies':
      return (
        `Have them fetched again: tidemark check-bodies ${remedy.mailbox ?? 'EMAIL'}` +
        (remedy.rebuild ? ' --rebuild' : '')
      );
    case 'see-failures':
      return `See: tidemark failures ${remedy.mailbox}`;
    case 'store-attachments':
      return `To store attachments: tidemark configure ${remedy.mailbox} --attachments`;
    case 'consent-with-client':
      return 'Get one with it: tidemark login EMAIL --client FILE';
    case 'connect-single':
      return 'Connect single mailboxes with tidemark login or connect.';
  }
}

type GeneralRemedy = Extract<
  Remedy,
  {
    kind:
      | 'run-worker'
      | 'run-server'
      | 'list-subscriptions'
      | 'end-subscription'
      | 'migrate'
      | 'make-store'
      | 'check-bodies'
      | 'see-failures'
      | 'store-attachments'
      | 'consent-with-client'
      | 'connect-single';
  }
>;

/** A message, and after it the advice on its remedy. */
export function withAdvice(message: string, remedy: Remedy | null): string {
  const advice = remedy === null ? null : adviceOf(remedy);
  return advice === null ? message : `${message.replace(/\.$/, '')}. ${advice}`;
}

/** What the command line says of an error. */
export const messageOf = ({ message, remedy }: TidemarkError): string => withAdvice(message, remedy);

const connect = (mailbox: MailboxId): string =>
  `tidemark login ${mailbox} --client FILE, or tidemark connect ${mailbox} --credentials FILE`;

function grantAdvice({ mailbox, without, format, orLess }: Extract<Remedy, { kind: 'grant' }>): string {
  const login = `"tidemark login ${mailbox} --client FILE${format === null ? '' : ` --format ${format}`}"`;
  const grant =
    without === null
      ? `Grant more: ${login} (or, with a service account, in the Admin console)`
      : `Granting more does not help: grant anew without ${without}. ${login} asks for gmail.readonly only; ` +
        `should ${without} come back with it, remove the access at ` +
        'https://myaccount.google.com/connections and consent again';
  return orLess
    ? `${grant}; or choose settings that need less ("tidemark configure ${mailbox}"), then "tidemark resume ${mailbox}"`
    : `${grant}.`;
}

function renameAdvice({ from, to, else: other }: Extract<Remedy, { kind: 'rename' }>): string {
  const rename = `If Google calls that account ${to} now: tidemark rename ${from} ${to}`;
  switch (other) {
    case null:
      return rename;
    case 'connect':
      return `${rename}. If not, have the owner of ${from} consent: ${connect(from)}`;
    case 'ask-again':
      return `${rename}. If not, once the tokens are those of ${from}: tidemark resume ${from}`;
  }
}
