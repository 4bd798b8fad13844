import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { LoginError } from '../../src/accounts/login-error.ts';
import * as client from '../../src/client/errors.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { InvalidLinkError } from '../../src/deliveries/webhooks/link.ts';
import { InvalidWebhookSecretError } from '../../src/deliveries/webhooks/webhook-secret.ts';
import * as reader from '../../src/exports/reader.ts';
import * as simulatorEntry from '../../src/exports/simulator.ts';
import * as worker from '../../src/exports/worker.ts';
import { ConsentError } from '../../src/gmail/access/consent-error.ts';
import { AccessRevokedError } from '../../src/gmail/access/token-provider.ts';
import { PluginError } from '../../src/plugin/plugin-error.ts';
import { InvalidCredentialsError } from '../../src/gmail/access/credentials.ts';
import { DirectoryError } from '../../src/gmail/access/directory-error.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import * as index from '../../src/index.ts';
import { UnsupportedDatabaseError } from '../../src/model/database-location.ts';
import { InvalidDurationError } from '../../src/model/duration.ts';
import * as feed from '../../src/model/feed-cursor.ts';
import { InvalidIdError, mailboxId } from '../../src/model/ids.ts';
import { CannotDoError, IncompleteError, UsageError } from '../../src/model/program-errors.ts';
import { InvalidSettingsError } from '../../src/model/settings-change.ts';
import { InvalidSubscriptionError } from '../../src/model/subscription.ts';
import { ERROR_CODES, TidemarkError } from '../../src/model/tidemark-error.ts';
import * as reading from '../../src/reading/index.ts';
import { SecretKeyError } from '../../src/secrets/secret-box.ts';
import { ApiError } from '../../src/simulator/api-error.ts';
import { JournalError } from '../../src/simulator/journal-error.ts';
import { MailFileError } from '../../src/simulator/mail-file-error.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { MoveError } from '../../src/store/move/move-error.ts';
import { TemporalServerError } from '../../src/temporal/dev-server/temporal-server-error.ts';
import { Page } from '../fixtures/docs/page.ts';

const SRC = join(import.meta.dirname, '../../src');
const ADA = mailboxId('ada@example.com');

/** One error of each class. */
const ERRORS: readonly TidemarkError[] = [
  new UsageError('x'),
  new CannotDoError('mailbox-unknown', 'x', { mailbox: ADA }),
  new IncompleteError('x'),
  new ConfigError([]),
  new UnsupportedDatabaseError('x'),
  new InvalidIdError('x'),
  new InvalidDurationError('x'),
  new InvalidSettingsError('x'),
  new InvalidSubscriptionError('x'),
  new feed.InvalidCursorError('x'),
  new feed.CursorAheadError('x'),
  new feed.FeedReplacedError('x'),
  new feed.CursorPrunedError('x'),
  new InvalidLinkError('x'),
  new InvalidWebhookSecretError('x'),
  new InvalidCredentialsError('x'),
  new SecretKeyError('x'),
  new StoreError({ kind: 'older-schema' }, 'x'),
  new MoveError('x'),
  new GmailError({ kind: 'not-found' }, 'x'),
  new ConsentError('denied', 'x'),
  new AccessRevokedError('x'),
  new PluginError('x'),
  new DirectoryError('api-disabled', 'x'),
  new LoginError('wrong-account', 'x'),
  new TemporalServerError('x'),
  new JournalError('x'),
  new MailFileError('x'),
  new ApiError(404, 'notFound', 'x'),
  new client.MailboxNotRunningError(ADA),
  new client.MailboxUnknownError(ADA),
  new client.OtherDatabaseError(ADA),
  new client.SettingsRefusedError(ADA, 'nothing-left', 'x'),
  new client.RenameRefusedError('taken', 'x'),
  new client.MailboxBlockedError(ADA, 'paused', null),
  new client.MailboxSwampedError(ADA),
  new client.ServerUnreachableError('localhost:7233'),
  new client.ServerRefusedError('localhost:7233'),
  new client.NamespaceNotFoundError('mail'),
  new client.BuildNotReadyError({ deploymentName: 'tidemark', buildId: null }),
  new client.TemporalFailureError('x'),
];

/** Errors that no application gets: they are caught where they are thrown, or become a failure type of an activity. */
const INTERNAL = [
  'AddressRefusedError',
  'ConnectionReset',
  'ControlError',
  'DeadlineExceededError',
  'ForeignDatabaseError',
  'InvalidInputError',
  'InvalidNetworkError',
  'InvalidTokenError',
  'KeysUnavailableError',
  'MalformedAnswerError',
  'MalformedNotificationError',
  'NotConnectedError',
  'ObjectSweptError',
  'OtherAccountError',
  'QueryError',
  'ResponseTooLargeError',
  'UnknownLabelError',
  'UnusableVariableError',
];

it('docs/errors.md describes every error code, and no other', () => {
  const documented = new Page('errors.md').table('code').map(([code]) => code);
  expect(documented).toEqual([...ERROR_CODES]);
});

it.each(ERRORS.map((error) => [error.name, error] as const))(
  '%s has a documented code, and the name of its class',
  (_, error) => {
    expect(ERROR_CODES).toContain(error.code);
    expect(error.constructor.name).toBe(error.name);
  },
);

it('exactly the errors about one mailbox carry its address', () => {
  const named = ERRORS.filter(({ mailbox }) => mailbox !== null).map(({ code }) => code);
  expect(named).toEqual([
    'mailbox-unknown',
    'mailbox-not-running',
    'mailbox-unknown',
    'other-database',
    'settings-refused',
    'mailbox-blocked',
    'mailbox-swamped',
  ]);
});

it('every exported error extends TidemarkError, and the entries that throw export TidemarkError', () => {
  for (const entry of [index, reader, worker, simulatorEntry, reading]) {
    const errors = Object.values<unknown>({ ...entry }).filter(isErrorClass);
    for (const error of errors) expect(error === TidemarkError || extendsBase(error), error.name).toBe(true);
  }
  for (const entry of [index, reader, worker, simulatorEntry]) expect(entry.TidemarkError).toBe(TidemarkError);
});

it('every error class of src is in ERRORS or in INTERNAL', () => {
  const declared = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [
      ...readFileSync(join(SRC, file), 'utf8').matchAll(
        /^(?:export )?class (\w+) extends (Error|TidemarkError|FeedError)\b/gm,
      ),
    ]);
  const names = (isInternal: boolean): readonly string[] =>
    declared.filter(([, , base]) => (base === 'Error') === isInternal).map(([, name = '']) => name);
  expect(names(true).toSorted()).toEqual(INTERNAL);
  expect(names(false).toSorted()).toEqual(ERRORS.map(({ name }) => name).toSorted());
});

type ErrorClass = abstract new (...args: never[]) => Error;

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && value.prototype instanceof Error;
const extendsBase = ({ prototype }: ErrorClass): boolean => prototype instanceof TidemarkError;
