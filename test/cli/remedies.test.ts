import { expect, it, test } from 'vitest';

import { adviceOf, messageWithAdvice, withAdvice } from '../../src/cli/advice.ts';
import { MailboxNotRunningError } from '../../src/client/errors.ts';
import { mailboxId } from '../../src/model/ids.ts';
import type { Remedy } from '../../src/model/remedy.ts';

const mailbox = mailboxId('ada@example.com');
const to = mailboxId('countess@example.com');
const CONNECT = 'tidemark login ada@example.com --client FILE, or tidemark connect ada@example.com --credentials FILE';

/** Every kind of remedy: the type makes the compiler refuse a kind that is missing here. */
const ADVICE: { readonly [Kind in Remedy['kind']]: readonly (readonly [Extract<Remedy, { kind: Kind }>, string])[] } = {
  start: [[{ kind: 'start', mailbox }, 'Start it: tidemark start ada@example.com (tidemark list names all mailboxes)']],
  'connect-and-start': [
    [
      { kind: 'connect-and-start', mailbox },
      `Start it: tidemark start ada@example.com. If it was never connected, first: ${CONNECT}`,
    ],
  ],
  connect: [[{ kind: 'connect', mailbox }, `Connect it: ${CONNECT}`]],
  grant: [
    [
      { kind: 'grant', mailbox, without: null, format: 'full', orLess: false },
      'Grant more: "tidemark login ada@example.com --client FILE --format full" ' +
        '(or, with a service account, in the Admin console).',
    ],
    [
      { kind: 'grant', mailbox, without: 'gmail.metadata', format: null, orLess: true },
      'Granting more does not help: grant again, without gmail.metadata. ' +
        '"tidemark login ada@example.com --client FILE" asks for gmail.readonly only; ' +
        'should gmail.metadata come back with it, remove the access at ' +
        'https://myaccount.google.com/connections and consent again; or choose settings that need less ' +
        '("tidemark configure ada@example.com"), then "tidemark resume ada@example.com"',
    ],
  ],
  'end-pause': [[{ kind: 'end-pause', mailbox }, 'Continue with: tidemark resume ada@example.com']],
  'ask-again': [
    [{ kind: 'ask-again', mailbox, orConnect: false }, 'Ask Gmail again at once: tidemark resume ada@example.com'],
    [
      { kind: 'ask-again', mailbox, orConnect: true },
      'Ask Gmail again at once: tidemark resume ada@example.com. If it stays so, make a new grant: ' +
        'tidemark login ada@example.com --client FILE',
    ],
  ],
  'correct-labels': [
    [
      { kind: 'correct-labels', mailbox },
      'Correct it: tidemark configure ada@example.com --label NAME, then tidemark resume ada@example.com',
    ],
  ],
  'take-place': [
    [
      { kind: 'take-place', mailbox, resumes: false },
      'Name the right one in DATABASE_URL. ' +
        'If this one shall take its place: tidemark stop ada@example.com, then tidemark start ada@example.com',
    ],
    [
      { kind: 'take-place', mailbox, resumes: true },
      'Give every worker the right DATABASE_URL, then: tidemark resume ada@example.com. ' +
        'If this one shall take its place: tidemark stop ada@example.com, then tidemark start ada@example.com',
    ],
  ],
  rename: [
    [
      { kind: 'rename', from: mailbox, to, else: null },
      'If Google calls that account countess@example.com now: tidemark rename ada@example.com countess@example.com',
    ],
    [
      { kind: 'rename', from: mailbox, to, else: 'connect' },
      'If Google calls that account countess@example.com now: tidemark rename ada@example.com countess@example.com. ' +
        `If not, have the owner of ada@example.com consent: ${CONNECT}`,
    ],
    [
      { kind: 'rename', from: mailbox, to, else: 'ask-again' },
      'If Google calls that account countess@example.com now: tidemark rename ada@example.com countess@example.com. ' +
        'If not, once the tokens are those of ada@example.com: tidemark resume ada@example.com',
    ],
  ],
  'rename-by-force': [
    [
      { kind: 'rename-by-force', from: mailbox, to },
      'If you know better: tidemark rename ada@example.com countess@example.com --force',
    ],
  ],
  remove: [
    [
      { kind: 'remove', mailbox },
      'If ada@example.com was begun by mistake: "tidemark remove ada@example.com --yes", then rename again.',
    ],
  ],
  pause: [[{ kind: 'pause', mailbox }, 'To pause it: tidemark pause ada@example.com']],
  'run-worker': [[{ kind: 'run-worker' }, 'Run a worker: tidemark worker']],
  'run-server': [
    [
      { kind: 'run-server' },
      'Start it, or name another in TEMPORAL_ADDRESS. Without it, npm start in a checkout runs one.',
    ],
  ],
  'check-server-access': [
    [{ kind: 'check-server-access' }, "Check TEMPORAL_API_KEY, TEMPORAL_TLS_* and the namespace's permissions."],
  ],
  'make-namespace': [
    [
      { kind: 'make-namespace', namespace: 'mail' },
      'Create it (temporal operator namespace create --namespace mail), or name another in TEMPORAL_NAMESPACE.',
    ],
  ],
  'name-database': [[{ kind: 'name-database' }, 'Check the address, and DATABASE_URL, which names the database.']],
  'check-google-addresses': [
    [
      {
        kind: 'check-google-addresses',
        gmail: 'https://gmail.example.com',
        tokens: 'https://google.example.com/token',
      },
      'The addresses in use are https://gmail.example.com (GMAIL_ROOT_URL) and https://google.example.com/token ' +
        '(GOOGLE_TOKEN_URL).',
    ],
  ],
  'name-administrator': [[{ kind: 'name-administrator' }, 'Name one in --admin.']],
  'list-subscriptions': [[{ kind: 'list-subscriptions' }, 'List all: tidemark subscriptions']],
  replay: [[{ kind: 'replay', subscription: 'crm' }, 'To deliver again: tidemark replay crm --since DATE']],
  'end-subscription': [[{ kind: 'end-subscription', subscription: 'crm' }, 'To end it: tidemark unsubscribe crm']],
  'see-parked': [[{ kind: 'see-parked', subscription: 'crm' }, 'See: tidemark deliveries crm --parked']],
  'new-webhook-secret': [
    [
      { kind: 'new-webhook-secret', subscription: 'crm' },
      'Have new ones made, and tell its receiver: tidemark subscribe crm --new-secret --drop-former-secret',
    ],
  ],
  'change-webhook': [
    [
      { kind: 'change-webhook', subscription: 'crm' },
      'Give it another URL: tidemark subscribe crm --url URL; ' +
        'or allow addresses that are not public: tidemark subscribe crm --allow-private',
    ],
  ],
  migrate: [[{ kind: 'migrate' }, 'Run: tidemark migrate']],
  'make-store': [
    [
      { kind: 'make-store' },
      'Check the path (DATABASE_URL, TIDEMARK_DATA_DIR). ' +
        'A store is made when a mailbox is connected (tidemark login, ' +
        'tidemark connect), by tidemark migrate, and by npm start in a checkout.',
    ],
  ],
  'check-bodies': [
    [
      { kind: 'check-bodies', mailbox, rebuild: false },
      'Have them fetched again: tidemark check-bodies ada@example.com',
    ],
    [
      { kind: 'check-bodies', mailbox: null, rebuild: true },
      'Have them fetched again: tidemark check-bodies EMAIL --rebuild',
    ],
  ],
  'see-failures': [[{ kind: 'see-failures', mailbox }, 'See: tidemark failures ada@example.com']],
  'store-attachments': [
    [{ kind: 'store-attachments', mailbox }, 'To store attachments: tidemark configure ada@example.com --attachments'],
  ],
  'consent-with-client': [[{ kind: 'consent-with-client' }, 'Get one with it: tidemark login EMAIL --client FILE']],
  'connect-single': [[{ kind: 'connect-single' }, 'Connect single mailboxes with tidemark login or connect.']],
};

test.each(Object.values(ADVICE).flat())('the command line gives its advice for the remedy %o', (remedy, advice) => {
  expect(adviceOf(remedy)).toBe(advice);
});

it('the command line adds its advice to what the library says', () => {
  const error = new MailboxNotRunningError(mailbox);
  expect(error.message).toBe('ada@example.com is not running: it was never started here, or its workflow has ended.');
  expect(messageWithAdvice(error)).toBe(`${error.message} ${adviceOf({ kind: 'start', mailbox }) ?? ''}`);
});

it('an unknown remedy, from a worker of a newer version, adds no advice', () => {
  const unknown = JSON.parse('{"kind":"something-new"}') as Remedy;
  expect(withAdvice('It is so.', unknown)).toBe('It is so.');
});
