import { z } from 'zod';
import { LAST_MOMENT } from '../model/date-range.ts';
import { InvalidIdError, mailboxId } from '../model/ids.ts';
import { FORMATS } from './message-json.ts';
import { pricesOf } from './method-prices.ts';
import type { AnsweredMethod } from './odd-answers.ts';

/** The bodies of the control API, by path. docs/simulator.md has a row for each; a test keeps the two in step. */

const email = z.string().transform((text, context) => {
  try {
    return mailboxId(text);
  } catch (error) {
    if (!(error instanceof InvalidIdError)) throw error;
    context.addIssue({ code: 'custom', message: error.message, input: text });
    return z.NEVER;
  }
});
const labelIds = z.array(z.string().min(1));
const milliseconds = z.number().nonnegative();
const probability = z.number().min(0).max(1);
const count = z.number().int().positive();
/** Epoch ms. */
const time = z.number().min(-LAST_MOMENT).max(LAST_MOMENT);

const METHODS = new Set(['batch', 'token', ...Object.keys(pricesOf('2026').units)]);
const method = z.custom<AnsweredMethod>(
  (name) => typeof name === 'string' && METHODS.has(name),
  'expected "batch", "token", or a method of the Gmail API, such as "messages.get"; docs/simulator.md names them',
);

const effect = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(400).max(599),
    reason: z.string().optional(),
    message: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('reset') }),
  z.strictObject({ kind: z.literal('truncate') }),
  z.strictObject({ kind: z.literal('slow'), ms: milliseconds }),
  z.strictObject({ kind: z.literal('retry-after'), until: time }),
  z.strictObject({
    kind: z.literal('intercept'),
    status: z.number().int().min(200).max(599),
    contentType: z.string().optional(),
    body: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('empty-page') }),
  z.strictObject({ kind: z.literal('cut-page') }),
  z.strictObject({ kind: z.literal('repeat-token') }),
  z.strictObject({ kind: z.literal('empty-object') }),
  z.strictObject({
    kind: z.literal('replace'),
    fields: z.record(z.string(), z.unknown()),
    without: z.array(z.string()).optional(),
  }),
]);

/** A message's bytes: as text, or in base64url when they are not UTF-8. */
const mail = {
  raw: z.string().optional(),
  rawBase64url: z.base64url().optional(),
};

export const CONTROL_SCHEMAS = {
  mailboxes: z.strictObject({
    email,
    messages: z.number().int().nonnegative().max(1_000_000).optional(),
    bodyBytes: count.optional(),
    threadSize: z.number().min(1).optional(),
    seed: z.number().int().optional(),
  }),
  messages: z.strictObject({
    email,
    ...mail,
    labelIds,
    threadId: z.string().optional(),
    internalDate: time.int().optional(),
  }),
  delete: z.strictObject({ email, ids: labelIds }),
  modify: z.strictObject({ email, ids: labelIds, add: labelIds.optional(), remove: labelIds.optional() }),
  trash: z.strictObject({ email, id: z.string() }),
  untrash: z.strictObject({ email, id: z.string() }),
  restore: z.strictObject({ email, id: z.string() }),
  drafts: z.strictObject({ email, draftId: z.string().min(1), ...mail }),
  labels: z.strictObject({ email, name: z.string() }),
  'labels/rename': z.strictObject({ email, id: z.string(), name: z.string() }),
  'labels/delete': z.strictObject({ email, id: z.string(), silent: z.boolean().optional() }),
  'labels/unlist': z.strictObject({
    email,
    id: z.string(),
    get: z.enum(['answers', 'missing']).optional(),
    until: time.optional(),
  }),
  'labels/relist': z.strictObject({ email, id: z.string() }),
  totals: z.strictObject({
    email,
    profile: z.number().int().optional(),
    labels: z.record(z.string(), z.number().int()).optional(),
    spamTrash: z.boolean().optional(),
  }),
  chats: z.strictObject({ email, raw: z.enum(['whole', 'missing', 'cut']) }),
  poison: z.strictObject({
    email,
    id: z.string(),
    status: z.union([z.literal(400), z.literal(500), z.null()], 'expected 400, 500, or null to heal the message'),
  }),
  lag: z.strictObject({
    email,
    historyMs: milliseconds.optional(),
    listMs: milliseconds.optional(),
    getMs: milliseconds.optional(),
    getProbability: probability.optional(),
    jitter: z.boolean().optional(),
  }),
  paging: z.strictObject({
    email,
    tokens: z.enum(['cursor', 'offset']).optional(),
    listPage: count.optional(),
    historyPage: count.optional(),
    operationsPerRecord: count.optional(),
    emptyPages: probability.optional(),
    labelIdsInHistory: z.boolean().optional(),
  }),
  omissions: z.strictObject({
    email,
    messageId: z.string(),
    from: z
      .union(
        [z.literal('listing'), z.literal('all'), z.templateLiteral(['label:', z.string().min(1)])],
        'expected "listing", "all", or "label:" and the id of a label',
      )
      .optional(),
    until: time.optional(),
  }),
  'omissions/remove': z.strictObject({ email, id: z.number().int().optional() }),
  'expire-history': z.strictObject({ email, keepLast: z.number().int().nonnegative().optional() }),
  notifications: z.strictObject({
    delayMs: milliseconds.optional(),
    lossProbability: probability.optional(),
    announcesWatches: z.boolean().optional(),
  }),
  rename: z.strictObject({ email, to: email }),
  revoke: z.strictObject({ email }),
  grant: z.strictObject({ email, scopes: z.array(z.string()).optional() }),
  'directory/user': z.strictObject({
    email,
    suspended: z.boolean().optional(),
    archived: z.boolean().optional(),
    isMailboxSetup: z.boolean().optional(),
    isAdmin: z.boolean().optional(),
    orgUnitPath: z.string().startsWith('/').optional(),
  }),
  delegation: z.strictObject({ scopes: z.array(z.string()).nullable() }),
  faults: z.strictObject({
    match: z
      .strictObject({
        email: email.optional(),
        method: method.optional(),
        messageId: z.string().optional(),
        format: z.enum(FORMATS).optional(),
      })
      .optional(),
    effect,
    probability: probability.optional(),
    times: count.optional(),
    until: time.optional(),
  }),
  'faults/remove': z.strictObject({ id: z.number().int().optional() }),
  quota: z.strictObject({
    window: z.enum(['first-request-minute', 'sliding-minute', 'fixed-minute', 'ten-seconds', 'off']),
    userUnitsPerMinute: count.optional(),
    projectUnitsPerMinute: count.optional(),
    concurrentRequests: count.optional(),
  }),
  prices: z.strictObject({ table: z.enum(['2026', '2025']), at: time.optional() }),
  answers: z.strictObject({
    latencyMs: milliseconds.optional(),
    batchOrder: z.enum(['kept', 'shuffled']).optional(),
    lenient: z.boolean().optional(),
  }),
  'usage/reset': z.strictObject({}),
} as const;
