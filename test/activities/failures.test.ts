import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NotConnectedError } from '../../src/activities/dependencies.ts';
import { outcomeOf, toApplicationFailure } from '../../src/activities/failures.ts';
import { classify, gmailError, type CalledMethod } from '../../src/gmail/api/classify.ts';
import { GmailError, type GmailFailure } from '../../src/gmail/api/gmail-error.ts';
import { FAILURE_TYPES } from '../../src/model/failure-type.ts';
import { mailboxId } from '../../src/model/ids.ts';
import type { Remedy } from '../../src/model/remedy.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';

const ADA = mailboxId('ada@example.com');
const NOW = Date.UTC(2026, 0, 1);
const ofGmail = (failure: GmailFailure) => outcomeOf(new GmailError(failure, 'from Gmail'), ADA, NOW);

describe('what becomes of a failure', () => {
  test.each<[GmailFailure, string, string]>([
    [{ kind: 'history-expired' }, 'HistoryExpired', 'stop'],
    [{ kind: 'unavailable', status: 503 }, 'GmailUnreachable', 'retry'],
    [{ kind: 'not-found' }, 'GmailUnreachable', 'retry'],
    [{ kind: 'consent-revoked' }, 'ConsentRevoked', 'stop'],
    [{ kind: 'scope-missing' }, 'ConsentRevoked', 'stop'],
    [{ kind: 'scope-barred' }, 'ConsentRevoked', 'stop'],
    [{ kind: 'mailbox-unavailable', reason: 'domainPolicy' }, 'MailboxUnavailable', 'stop'],
    [{ kind: 'invalid-request', reason: 'badRequest' }, 'MailboxUnavailable', 'stop'],
    [{ kind: 'refused', status: 401, reason: 'authError' }, 'MailboxUnavailable', 'stop'],
    [{ kind: 'refused', status: 404, reason: 'notFound' }, 'MailboxUnavailable', 'stop'],
    [{ kind: 'rate-limited', limit: 'user', retryAt: null }, 'RateLimited', 'wait'],
  ])('%o is %s: %s', (failure, type, next) => {
    expect(ofGmail(failure)).toMatchObject({ type, next: { kind: next } });
  });

  test('a lost store is not retried, an unavailable one is', () => {
    expect(outcomeOf(new StoreError({ kind: 'lost' }, 'lost'), ADA, NOW)).toMatchObject({
      type: 'StoreLost',
      next: { kind: 'stop' },
    });
    // Only the activity adds that it tries again: a person's command ends with the same error.
    expect(outcomeOf(new StoreError({ kind: 'unavailable' }, 'The database is locked.'), ADA, NOW)).toMatchObject({
      type: 'StoreUnavailable',
      next: { kind: 'retry' },
      message: 'The database is locked. Trying again',
    });
  });

  test('a mailbox without credentials has to be connected', () => {
    expect(outcomeOf(new NotConnectedError('none'), ADA, NOW)).toMatchObject({
      message: 'ada@example.com has no credentials',
      remedy: { kind: 'connect', mailbox: ADA },
    });
  });

  const askAgain: Remedy = { kind: 'ask-again', mailbox: ADA, orConnect: false };

  test.each<[GmailFailure, RegExp, Remedy]>([
    [
      { kind: 'refused', status: 401, reason: 'authError' },
      /with a new access token, too, which mostly passes$/,
      { ...askAgain, orConnect: true },
    ],
    [{ kind: 'refused', status: 400, reason: 'failedPrecondition' }, /names no cause, which mostly passes$/, askAgain],
    [
      { kind: 'mailbox-unavailable', reason: 'accessNotConfigured' },
      /the Gmail API is not enabled .*\(accessNotConfigured\)\. Enable it .* some minutes$/,
      askAgain,
    ],
    [
      { kind: 'mailbox-unavailable', reason: 'privateKeyUnreadable' },
      /the private key in the service account's file cannot be read/,
      askAgain,
    ],
    [
      { kind: 'mailbox-unavailable', reason: 'somethingNew' },
      /does not allow it \(somethingNew\)\. Its owner or administrator must change that/,
      askAgain,
    ],
    [
      { kind: 'consent-revoked' },
      /revoked or has expired, or the service account's key was deleted\. Its owner has to consent again/,
      { kind: 'connect', mailbox: ADA },
    ],
    [
      { kind: 'consent-revoked', said: 'Ada withdrew it' },
      /the token provider says .*\(Ada withdrew it\)\. Have its owner consent again/,
      askAgain,
    ],
    [
      { kind: 'scope-barred', askFor: 'raw' },
      /^from Gmail$/,
      { kind: 'grant', mailbox: ADA, without: 'gmail.metadata', format: 'raw', orLess: true },
    ],
  ])('%o has a message and a remedy, and does not promise to go on by itself', (failure, says, remedy) => {
    const outcome = ofGmail(failure);
    const message = outcome?.message ?? '';
    expect(message).toMatch(says);
    expect(outcome?.remedy).toEqual(remedy);
    expect(message).not.toMatch(/by itself/);
  });

  test.each<[GmailFailure, CalledMethod, string]>([
    [
      { kind: 'unavailable', status: 503 },
      'threads.get',
      'ada@example.com: Gmail gave no usable answer to threads.get (HTTP 503); trying again',
    ],
    [
      { kind: 'unavailable', status: null },
      'history.list',
      'ada@example.com: Gmail did not answer history.list: the connection failed, or took too long; trying again',
    ],
    [
      { kind: 'unavailable', status: 500 },
      'token',
      'ada@example.com: Google gave no usable answer to a request for an access token (HTTP 500); trying again',
    ],
  ])('%o of %s names the service and the call that failed', (failure, method, text) => {
    expect(outcomeOf(gmailError(ADA, method, failure), ADA, NOW)?.message).toBe(text);
  });

  test('a request that Gmail calls invalid blocks the mailbox, and says what to do if that goes on', () => {
    const body = JSON.stringify({ error: { code: 400, message: 'x', errors: [{ reason: 'badRequest' }] } });
    const refusal = gmailError(ADA, 'messages.list', classify('messages.list', 400, body));
    expect(outcomeOf(refusal, ADA, NOW)).toEqual({
      type: 'MailboxUnavailable',
      next: { kind: 'stop' },
      message:
        'Gmail calls a request for ada@example.com invalid (badRequest). ' +
        "If that goes on, report it with the worker's log",
      remedy: askAgain,
    });
  });

  test.each(['unauthorized_client', 'invalid_scope', 'access_denied'])(
    'a token endpoint that answers %s says that the scope is missing, and where a service account gets it',
    (error) => {
      const refusal = gmailError(ADA, 'token', classify('token', 400, JSON.stringify({ error })));
      expect(outcomeOf(refusal, ADA, NOW)).toMatchObject({
        type: 'ConsentRevoked',
        message:
          'ada@example.com: Google gives these credentials no token with the scope that the settings need; ' +
          'for a service account, domain-wide delegation must list its client ID with that scope.',
        remedy: { kind: 'grant', mailbox: ADA, without: null, orLess: true },
      });
    },
  );

  test('an unforeseen error has no outcome', () => {
    expect(outcomeOf(new TypeError('x is not a function'), ADA, NOW)).toBeNull();
  });
});

describe('waiting', () => {
  test('lasts until the time that Gmail named, to the millisecond', () => {
    const retryAt = NOW + 123_456;
    const outcome = ofGmail({ kind: 'rate-limited', limit: 'user', retryAt });
    expect(outcome?.next).toEqual({ kind: 'wait', until: retryAt });
    if (outcome === null) return;
    expect(toApplicationFailure(outcome, NOW)).toMatchObject({
      type: 'RateLimited',
      nextRetryDelay: 123_456,
      category: 'BENIGN',
      nonRetryable: false,
    });
  });

  test('never ends in the past, nor lasts longer than a day', () => {
    expect(ofGmail({ kind: 'rate-limited', limit: 'user', retryAt: NOW - 5 })?.next).toEqual({
      kind: 'wait',
      until: NOW + 1_000,
    });
    expect(ofGmail({ kind: 'rate-limited', limit: 'user', retryAt: NOW + 1e12 })?.next).toEqual({
      kind: 'wait',
      until: NOW + 86_400_000,
    });
  });
});

test('docs/errors.md has a paragraph on each failure type and on no other', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const headings = [...page.matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
  expect(new Set(headings)).toEqual(new Set(FAILURE_TYPES));
});
