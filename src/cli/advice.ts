import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { TidemarkError } from '../model/tidemark-error.ts';

/** The remedy of one kind. */
type Of<Kind extends Remedy['kind']> = Extract<Remedy, { kind: Kind }>;

/** A sentence for each kind of remedy, mostly without its full stop. */
const ADVICE: { readonly [Kind in Remedy['kind']]: (remedy: Of<Kind>) => string } = {
  start: ({ mailbox }) => `Start it: tidemark start ${mailbox} (tidemark list names all mailboxes)`,
  'connect-and-start': ({ mailbox }) =>
    `Start it: tidemark start ${mailbox}. If it was never connected, first: ${connect(mailbox)}`,
  connect: ({ mailbox }) => `Connect it: ${connect(mailbox)}`,
  grant: grantAdvice,
  'end-pause': ({ mailbox }) => `Continue with: tidemark resume ${mailbox}`,
  'ask-again': ({ mailbox, orConnect }) =>
    `Ask Gmail again at once: tidemark resume ${mailbox}` +
    (orConnect ? `. If it stays so, make a new grant: tidemark login ${mailbox} --client FILE` : ''),
  'correct-labels': ({ mailbox }) =>
    `Correct it: tidemark configure ${mailbox} --label NAME, then tidemark resume ${mailbox}`,
  'take-place': ({ mailbox, resumes }) =>
    (resumes
      ? `Give every worker the right DATABASE_URL, then: tidemark resume ${mailbox}. `
      : 'Name the right one in DATABASE_URL. ') +
    `If this one shall take its place: tidemark stop ${mailbox}, then tidemark start ${mailbox}`,
  rename: renameAdvice,
  'rename-by-force': ({ from, to }) => `If you know better: tidemark rename ${from} ${to} --force`,
  remove: ({ mailbox }) => `If ${mailbox} was begun by mistake: "tidemark remove ${mailbox} --yes", then rename again.`,
  pause: ({ mailbox }) => `To pause it: tidemark pause ${mailbox}`,
  'run-worker': () => 'Run a worker: tidemark worker',
  'run-server': () => 'Start it, or name another in TEMPORAL_ADDRESS. Without it, npm start in a checkout runs one.',
  'check-server-access': () => "Check TEMPORAL_API_KEY, TEMPORAL_TLS_* and the namespace's permissions.",
  'make-namespace': ({ namespace }) =>
    `Create it (temporal operator namespace create --namespace ${namespace}), or name another in TEMPORAL_NAMESPACE.`,
  'name-database': () => 'Check the address, and DATABASE_URL, which names the database.',
  'check-google-addresses': ({ gmail, tokens }) =>
    `The addresses in use are ${gmail} (GMAIL_ROOT_URL) and ${tokens} (GOOGLE_TOKEN_URL).`,
  'name-administrator': () => 'Name one in --admin.',
  'list-subscriptions': () => 'List all: tidemark subscriptions',
  replay: ({ subscription }) => `To deliver again: tidemark replay ${subscription} --since DATE`,
  'end-subscription': ({ subscription }) => `To end it: tidemark unsubscribe ${subscription}`,
  'see-parked': ({ subscription }) => `See: tidemark deliveries ${subscription} --parked`,
  'new-webhook-secret': ({ subscription }) =>
    `Have new ones made, and tell its receiver: tidemark subscribe ${subscription} --new-secret --drop-former-secret`,
  'change-webhook': ({ subscription }) =>
    `Give it another URL: tidemark subscribe ${subscription} --url URL; ` +
    `or allow addresses that are not public: tidemark subscribe ${subscription} --allow-private`,
  migrate: () => 'Run: tidemark migrate',
  'make-store': () =>
    'Check the path (DATABASE_URL, TIDEMARK_DATA_DIR). ' +
    'A store is made when a mailbox is connected (tidemark login, tidemark connect), ' +
    'by tidemark migrate, and by npm start in a checkout.',
  'check-bodies': ({ mailbox, rebuild }) =>
    `Have them fetched again: tidemark check-bodies ${mailbox ?? 'EMAIL'}${rebuild ? ' --rebuild' : ''}`,
  'see-failures': ({ mailbox }) => `See: tidemark failures ${mailbox}`,
  'store-attachments': ({ mailbox }) => `To store attachments: tidemark configure ${mailbox} --attachments`,
  'consent-with-client': () => 'Get one with it: tidemark login EMAIL --client FILE',
  'connect-single': () => 'Connect single mailboxes with tidemark login or connect.',
};

/**
 * The commands by which a person carries out a remedy. Pure.
 *
 * @returns null for a kind that only a newer version's worker knows
 */
export function adviceOf<Kind extends Remedy['kind']>(remedy: Of<Kind> & { readonly kind: Kind }): string | null {
  const advise: ((remedy: Of<Kind>) => string) | undefined = Object.hasOwn(ADVICE, remedy.kind)
    ? ADVICE[remedy.kind]
    : undefined;
  return advise === undefined ? null : advise(remedy);
}

/** The message, followed by the advice on its remedy where there is any. */
export function withAdvice(message: string, remedy: Remedy | null): string {
  const advice = remedy === null ? null : adviceOf(remedy);
  return advice === null ? message : `${message.replace(/\.$/, '')}. ${advice}`;
}

/** The message and the advice that the command line prints for an error. */
export const messageWithAdvice = ({ message, remedy }: TidemarkError): string => withAdvice(message, remedy);

const connect = (mailbox: MailboxId): string =>
  `tidemark login ${mailbox} --client FILE, or tidemark connect ${mailbox} --credentials FILE`;

function grantAdvice({ mailbox, without, format, orLess }: Extract<Remedy, { kind: 'grant' }>): string {
  const login = `"tidemark login ${mailbox} --client FILE${format === null ? '' : ` --format ${format}`}"`;
  const grant =
    without === null
      ? `Grant more: ${login} (or, with a service account, in the Admin console)`
      : `Granting more does not help: grant again, without ${without}. ${login} asks for gmail.readonly only; ` +
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
