import { z } from 'zod';

import { isJson } from '../model/request-guard.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import { ApiError } from './api-error.ts';
import { CONTROL_SCHEMAS } from './control-schema.ts';
import { generateMail } from './generate.ts';
import { JSON_TYPE, type SimulatorRequest, type SimulatorResponse } from './http.ts';
import { FULL_ACCESS } from './allowed-scopes.ts';
import { MailFileError } from './mail-file-error.ts';
import type { Simulator } from './simulator.ts';

type Commands = Readonly<Record<keyof typeof CONTROL_SCHEMAS, (body: unknown) => object>>;
type Reports = Readonly<Record<string, (query: URLSearchParams) => object>>;

const ROOT = '/simulator/';
const NOT_JSON =
  'a body must say that it is JSON: send the header "content-type: application/json" (curl: --json in place of -d)';
const MAILBOXES = `GET ${ROOT}mailboxes lists all`;
const PAGE = 'docs/simulator.md lists what there is';

/** Thrown for a control request that cannot be carried out; the message says why. */
class ControlError extends Error {
  override readonly name = 'ControlError';
}

/**
 * The simulator's own API, with which programs in any language can drive the simulator. docs/simulator.md is the
 * reference.
 */
export class ControlApi {
  readonly #commands: Commands;
  readonly #reports: Reports;

  constructor(simulator: Simulator) {
    this.#commands = commands(simulator);
    this.#reports = reports(simulator);
  }

  handles(url: string): boolean {
    return url.startsWith(ROOT);
  }

  /** Answers 200 with JSON, or 400, 404, 409, 415 or 500 with `{"error": …}`. */
  answer(request: SimulatorRequest): SimulatorResponse {
    const url = new URL(request.url, 'http://gmail.simulator');
    const name = url.pathname.slice(ROOT.length);
    try {
      if (request.method === 'GET') {
        const report = Object.hasOwn(this.#reports, name) ? this.#reports[name] : undefined;
        return report === undefined ? this.#missing('GET', name) : json(200, report(url.searchParams));
      }
      if (request.method === 'POST' && isCommand(name)) {
        const body = (request.body ?? '').toString();
        // Any other type may come from a form on a web page: browsers send forms without a CORS preflight.
        if (body !== '' && !isJson(request.headers['content-type'])) return json(415, { error: NOT_JSON });
        return json(200, this.#commands[name](parseJson(body)));
      }
      return this.#missing(request.method, name);
    } catch (error) {
      if (error instanceof z.ZodError) return json(400, { error: z.prettifyError(error) });
      if (error instanceof TidemarkError || error instanceof ControlError)
        return json(statusOf(error), { error: error.message });
      throw error;
    }
  }

  /** The 404 for a path that does not have the method; it names the methods that the path has. */
  #missing(method: string, name: string): SimulatorResponse {
    const path = `${ROOT}${name}`;
    const others = [
      ...(Object.hasOwn(this.#reports, name) ? [`GET ${path}`] : []),
      ...(isCommand(name) ? [`POST ${path}`] : []),
    ];
    const next =
      others.length === 0 ? `; ${PAGE}` : `, but ${others.join(' and ')} ${others.length === 1 ? 'does' : 'do'}`;
    return json(404, { error: `${method} ${path} does not exist${next}` });
  }
}

function commands(simulator: Simulator): Commands {
  const mailbox: MailboxOf = (email) => known(simulator, email);
  return {
    ...accountCommands(simulator, mailbox),
    ...mailCommands(mailbox),
    ...labelCommands(mailbox),
    ...oddAnswerCommands(mailbox),
    ...serviceCommands(simulator),
  };
}

type MailboxOf = (email: string) => ReturnType<Simulator['mailbox']>;

/** Mailboxes, and what Google knows of their users. */
function accountCommands(simulator: Simulator, mailbox: MailboxOf) {
  return {
    mailboxes: command(CONTROL_SCHEMAS.mailboxes, ({ email, messages = 0, ...mail }) => {
      const added = simulator.addMailbox(email);
      if (messages > 0) generateMail(added, { messages, now: simulator.clock.now(), ...mail });
      return { email: added.email, historyId: added.historyId, credentials: simulator.credentialsFor(email) };
    }),
    rename: command(CONTROL_SCHEMAS.rename, ({ email, to }) => ({
      email: simulator.rename(mailbox(email).email, to).email,
    })),
    revoke: command(CONTROL_SCHEMAS.revoke, ({ email }) => simulator.revoke(mailbox(email).email)),
    grant: command(CONTROL_SCHEMAS.grant, ({ email, scopes = [FULL_ACCESS] }) =>
      simulator.grant(mailbox(email).email, { scopes }),
    ),
    'directory/user': command(CONTROL_SCHEMAS['directory/user'], ({ email, ...user }) =>
      simulator.directory.set(email, given(user)),
    ),
    delegation: command(CONTROL_SCHEMAS.delegation, ({ scopes }) => {
      simulator.delegation = scopes;
    }),
  } satisfies Partial<Commands>;
}

/** What people and programs do with mail. */
function mailCommands(mailbox: MailboxOf) {
  return {
    messages: command(CONTROL_SCHEMAS.messages, ({ email, labelIds, threadId, internalDate, ...mail }) =>
      mailbox(email).insert({ raw: bytesOf(mail), labelIds, threadId, internalDate }),
    ),
    delete: command(CONTROL_SCHEMAS.delete, ({ email, ids }) => mailbox(email).deleteAll(ids)),
    modify: command(CONTROL_SCHEMAS.modify, ({ email, ids, add = [], remove = [] }) =>
      mailbox(email).modify(ids, { add, remove }),
    ),
    trash: command(CONTROL_SCHEMAS.trash, ({ email, id }) => mailbox(email).trash(id)),
    untrash: command(CONTROL_SCHEMAS.untrash, ({ email, id }) => mailbox(email).untrash(id)),
    restore: command(CONTROL_SCHEMAS.restore, ({ email, id }) => mailbox(email).restore(id)),
    drafts: command(CONTROL_SCHEMAS.drafts, ({ email, draftId, ...mail }) =>
      mailbox(email).saveDraft(draftId, bytesOf(mail)),
    ),
  } satisfies Partial<Commands>;
}

function labelCommands(mailbox: MailboxOf) {
  return {
    labels: command(CONTROL_SCHEMAS.labels, ({ email, name }) => mailbox(email).createLabel(name)),
    'labels/rename': command(CONTROL_SCHEMAS['labels/rename'], ({ email, id, name }) =>
      mailbox(email).renameLabel(id, name),
    ),
    'labels/delete': command(CONTROL_SCHEMAS['labels/delete'], ({ email, id, silent }) =>
      mailbox(email).deleteLabel(id, { silent }),
    ),
    'labels/unlist': command(CONTROL_SCHEMAS['labels/unlist'], ({ email, id, get = 'answers', until }) =>
      mailbox(email).labelBook.unlist(id, { get, until }),
    ),
    'labels/relist': command(CONTROL_SCHEMAS['labels/relist'], ({ email, id }) => mailbox(email).labelBook.relist(id)),
  } satisfies Partial<Commands>;
}

/** How a mailbox's answers differ from the truth. */
function oddAnswerCommands(mailbox: MailboxOf) {
  return {
    totals: command(CONTROL_SCHEMAS.totals, ({ email, ...totals }) =>
      Object.assign(mailbox(email).totalsOff, given(totals)),
    ),
    chats: command(CONTROL_SCHEMAS.chats, ({ email, raw }) => Object.assign(mailbox(email).chats, { raw })),
    poison: command(CONTROL_SCHEMAS.poison, ({ email, id, status }) => mailbox(email).poison(id, status)),
    lag: command(CONTROL_SCHEMAS.lag, ({ email, ...lag }) => Object.assign(mailbox(email).lag, given(lag))),
    paging: command(CONTROL_SCHEMAS.paging, ({ email, ...paging }) =>
      Object.assign(mailbox(email).paging, given(paging)),
    ),
    omissions: command(CONTROL_SCHEMAS.omissions, ({ email, messageId, ...omission }) => {
      const { id } = mailbox(email).existing(messageId);
      return { id: mailbox(email).omissions.add({ messageId: id, ...omission }).id };
    }),
    'omissions/remove': command(CONTROL_SCHEMAS['omissions/remove'], ({ email, id }) =>
      id === undefined ? mailbox(email).omissions.clear() : mailbox(email).omissions.remove(id),
    ),
    'expire-history': command(CONTROL_SCHEMAS['expire-history'], ({ email, keepLast = 0 }) =>
      mailbox(email).expireHistory({ keepLast }),
    ),
  } satisfies Partial<Commands>;
}

/** What holds for every mailbox. */
function serviceCommands(simulator: Simulator) {
  return {
    notifications: command(CONTROL_SCHEMAS.notifications, (delivery) =>
      Object.assign(simulator.delivery, given(delivery)),
    ),
    faults: command(CONTROL_SCHEMAS.faults, (fault) => ({ id: simulator.faults.add(fault).id })),
    'faults/remove': command(CONTROL_SCHEMAS['faults/remove'], ({ id }) =>
      id === undefined ? simulator.faults.clear() : simulator.faults.remove(id),
    ),
    quota: command(CONTROL_SCHEMAS.quota, (enforcement) => {
      simulator.quota = enforcement;
      return enforcement;
    }),
    prices: command(CONTROL_SCHEMAS.prices, ({ table, at = simulator.clock.now() }) => {
      simulator.changePrices(table, at);
      return { table, at };
    }),
    answers: command(
      CONTROL_SCHEMAS.answers,
      ({ latencyMs = simulator.latencyMs, batchOrder = simulator.batchOrder, lenient = simulator.lenient }) => {
        Object.assign(simulator, { latencyMs, batchOrder, lenient });
        return { latencyMs, batchOrder, lenient };
      },
    ),
    'usage/reset': command(CONTROL_SCHEMAS['usage/reset'], () => simulator.usage.reset()),
  } satisfies Partial<Commands>;
}

/** @throws {z.ZodError} when the body does not match the command's schema */
function command<Schema extends z.ZodType>(
  schema: Schema,
  run: (body: z.output<Schema>) => object | void,
): (body: unknown) => object {
  return (body) => run(schema.parse(body)) ?? {};
}

function reports(simulator: Simulator): Reports {
  const mailbox = (query: URLSearchParams): ReturnType<Simulator['mailbox']> => {
    const email = query.get('email') ?? '';
    if (email === '') throw new ControlError(`name a mailbox in the query: ?email=…; ${MAILBOXES}`);
    return known(simulator, email);
  };
  return {
    mailboxes: () => ({ mailboxes: simulator.mailboxes().map(({ email, historyId }) => ({ email, historyId })) }),
    truth: (query) => ({
      messages: mailbox(query).truth({ includeSpamTrash: query.get('includeSpamTrash') === 'true' }),
      labels: mailbox(query).labels(),
    }),
    usage: () => simulator.usage.report(),
    client: () => simulator.clientFile(),
    credentials: (query) => simulator.credentialsFor(mailbox(query).email),
  };
}

function known(simulator: Simulator, email: string): ReturnType<Simulator['mailbox']> {
  const found = simulator.mailboxes().find((mailbox) => mailbox.email === email.toLowerCase());
  if (found === undefined)
    throw new ControlError(`the simulator has no mailbox "${email}"; ${MAILBOXES}, POST ${ROOT}mailboxes makes one`);
  return found;
}

/** The request is at fault, except when a file of imported mail was moved or changed since its import. */
function statusOf(error: TidemarkError | ControlError): number {
  if (error instanceof ApiError) return error.status;
  return error instanceof MailFileError ? 500 : 400;
}

function isCommand(name: string): name is keyof typeof CONTROL_SCHEMAS {
  return Object.hasOwn(CONTROL_SCHEMAS, name);
}

function bytesOf({ raw, rawBase64url }: { raw?: string | undefined; rawBase64url?: string | undefined }): Buffer {
  if ((raw === undefined) === (rawBase64url === undefined))
    throw new ControlError('a message needs either raw or rawBase64url');
  return raw === undefined ? Buffer.from(rawBase64url ?? '', 'base64url') : Buffer.from(raw, 'utf8');
}

function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ControlError(`the body is not valid JSON: ${error.message}`);
  }
}

function json(status: number, value: object): SimulatorResponse {
  return { status, headers: { 'content-type': JSON_TYPE }, body: Buffer.from(JSON.stringify(value), 'utf8') };
}
