import type { Clock } from '../model/clock.ts';
import { ApiError, insufficientPermissions, invalidArgument } from './api-error.ts';
import { parseBatch, renderBatch } from './batch-requests.ts';
import { CONSENT_PATH, type Consent } from './consent-screen.ts';
import { DIRECTORY_PATH, type Directory } from './user-directory.ts';
import { NO_FAULT, type FaultOutcome, type Faults, type FaultSubject } from './faults.ts';
import { selectFields } from './fields.ts';
import { type ApiAnswer, type ApiCall, type SimulatorRequest, type SimulatorResponse } from './http.ts';
import { matchRoute } from './match-route.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import { MessageJson } from './message-json.ts';
import { contentTypeOf, oddAnswer } from './odd-answers.ts';
import type { CurrentPrices } from './current-prices.ts';
import type { Quota } from './quota-enforcement.ts';
import type { Random } from './random.ts';
import { type Route, type RouteContext } from './route.ts';
import { allows, isUnderMetadata } from './allowed-scopes.ts';
import type { Identity, Tokens } from './tokens.ts';
import { readCallBody } from './upload.ts';
import type { UsageMeter } from './usage.ts';
import type { Watches } from './watches.ts';

interface FrontendOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly latencyMs: number;
  readonly lenient: boolean;
  readonly mailboxOf: (email: string) => SimulatedMailbox | null;
  readonly prices: CurrentPrices;
  readonly faults: Faults;
  readonly usage: UsageMeter;
  readonly quota: Quota;
  readonly tokens: Tokens;
  readonly consent: Consent;
  readonly directory: Directory;
  readonly watches: Watches;
}

/** Methods whose caller chooses the format of the answer. */
const FORMATTED = new Set<Route['method']>(['messages.get', 'threads.get']);

/** The result of one call, before network faults apply. */
interface CallOutcome {
  readonly answer: ApiAnswer;
  readonly fault: FaultOutcome;
  /** Ends the call's time in flight. */
  leave(): void;
}

/**
 * The layer between the network and the mailboxes: tokens, faults, quota, batches.
 * A call is executed when it arrives and answered when its latency is over, so an answer can be stale when the client
 * reads it.
 */
export class Frontend {
  latencyMs: number;
  batchOrder: 'kept' | 'shuffled' = 'kept';
  lenient: boolean;
  readonly #options: FrontendOptions;
  readonly #json = new MessageJson();

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.latencyMs = options.latencyMs;
    this.lenient = options.lenient;
  }

  async answer(request: SimulatorRequest): Promise<SimulatorResponse> {
    const response = await this.#respond(request);
    return { ...response, headers: { ...response.headers, date: new Date(this.#options.clock.now()).toUTCString() } };
  }

  async #respond(request: SimulatorRequest): Promise<SimulatorResponse> {
    request.signal?.throwIfAborted();
    this.#options.usage.countRequest();
    const url = URL.parse(request.url, 'http://gmail.simulator');
    if (url === null) return jsonResponse(refused(invalidArgument('Invalid URL')));
    const call: ApiCall = {
      httpMethod: request.method.toUpperCase(),
      url,
      authorization: request.headers['authorization'],
      contentType: request.headers['content-type'] ?? '',
      body: request.body ?? '',
    };
    if (url.pathname === CONSENT_PATH) return this.#options.consent.answer(call, this.#options.clock.now());
    if (url.pathname === DIRECTORY_PATH) return this.#users(call);
    if (url.pathname === '/token') return this.#token(call, request.signal);
    if (url.pathname === '/batch' || url.pathname.startsWith('/batch/')) return this.#batch(call, request.signal);

    const outcome = this.#execute(call);
    const whole = this.#strike('request', null, call);
    try {
      return await this.#deliver(jsonResponse(outcome.answer), [outcome.fault, whole], request.signal);
    } finally {
      outcome.leave();
    }
  }

  #users(call: ApiCall): SimulatorResponse {
    const { tokens, clock, directory } = this.#options;
    try {
      return jsonResponse({
        status: 200,
        json: JSON.stringify(directory.users(tokens.identify(call.authorization, clock.now()), call.url.searchParams)),
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return jsonResponse(refused(error));
    }
  }

  async #token(call: ApiCall, signal?: AbortSignal): Promise<SimulatorResponse> {
    const { tokens, clock } = this.#options;
    const fault = this.#strike('request', 'token', call);
    const body = typeof call.body === 'string' ? call.body : call.body.toString('utf8');
    return this.#deliver(jsonResponse(replaced(fault) ?? made()), [fault], signal);

    function made(): ApiAnswer {
      const { status, body: fields } = tokens.answer(new URLSearchParams(body), clock.now());
      const json = fault.odd.reduce((text, odd) => oddAnswer(text, odd, 'token', null), JSON.stringify(fields));
      return { status, json };
    }
  }

  async #batch(call: ApiCall, signal?: AbortSignal): Promise<SimulatorResponse> {
    const whole = this.#strike('request', 'batch', call);
    const outcomes: (CallOutcome & { contentId: string | null })[] = [];
    let response: SimulatorResponse;
    try {
      const instead = replaced(whole);
      if (instead !== null) return await this.#deliver(jsonResponse(instead), [whole], signal);
      // All calls of a batch are in flight from its arrival until its answer.
      for (const part of parseBatch(call)) outcomes.push({ ...this.#execute(part.call), contentId: part.contentId });
      const ordered = this.batchOrder === 'kept' ? outcomes : shuffled(outcomes, this.#options.random);
      const { contentType, body } = renderBatch(ordered, `batch_${this.#options.random.text(32)}`);
      response =
        whole.odd.length > 0
          ? jsonResponse({ status: 200, json: '{}' })
          : { status: 200, headers: { 'content-type': contentType }, body };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      response = jsonResponse(refused(error));
    }
    try {
      return await this.#deliver(response, [whole, ...outcomes.map((outcome) => outcome.fault)], signal);
    } finally {
      for (const outcome of outcomes) outcome.leave();
    }
  }

  async #deliver(
    response: SimulatorResponse,
    faults: readonly FaultOutcome[],
    signal?: AbortSignal,
  ): Promise<SimulatorResponse> {
    const pause = this.latencyMs + Math.max(...faults.map((fault) => fault.slowMs));
    if (pause > 0) await this.#options.clock.sleep(pause, signal);
    if (faults.some((fault) => fault.connection === 'reset')) throw new ConnectionReset();
    if (faults.some((fault) => fault.connection === 'truncate')) {
      return {
        ...response,
        body: response.body.subarray(0, response.body.length >> 1),
        fullLength: response.body.length,
      };
    }
    return response;
  }

  /** Charges the quota and reads or changes the mailbox at once. Errors that Gmail would answer are never thrown. */
  #execute(call: ApiCall): CallOutcome {
    const { tokens, clock, usage, quota, prices } = this.#options;
    let fault = NO_FAULT;
    let leave = (): void => {};
    try {
      const { route, userId, ids, isUpload } = matchRoute(call);
      const identity = tokens.identify(call.authorization, clock.now());
      const mailbox = this.#mailboxFor(identity, userId);
      if (!allows(identity.scopes, route.method)) throw insufficientPermissions();

      const tallies = [usage.user(mailbox.email), usage.project];
      for (const tally of tallies) tally.enter();
      leave = () => {
        for (const tally of tallies) tally.inFlight -= 1;
      };
      try {
        fault = this.#strikeCall(route, mailbox, ids, call);
        if (fault.refusal !== null) throw fault.refusal;
        if (fault.instead !== null) return { answer: fault.instead, fault, leave };
        const units = prices.at(clock.now()).units[route.method];
        quota.check(usage, mailbox.email, units, clock.now());
        for (const tally of tallies) tally.accept(clock.now(), route.method, units);
      } catch (error) {
        if (error instanceof ApiError && isRateRefusal(error)) for (const tally of tallies) tally.reject(route.method);
        throw error;
      }
      return { answer: this.#run(route, mailbox, identity, ids, call, isUpload, fault), fault, leave };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { answer: refused(error), fault, leave };
    }
  }

  #run(
    route: Route,
    mailbox: SimulatedMailbox,
    identity: Identity,
    ids: readonly string[],
    call: ApiCall,
    isUpload: boolean,
    fault: FaultOutcome,
  ): ApiAnswer {
    const { clock, random, mailboxOf, watches } = this.#options;
    const context: RouteContext = {
      mailbox,
      ids,
      query: call.url.searchParams,
      body: readCallBody(call, isUpload),
      isUnderMetadata: isUnderMetadata(identity.scopes),
      isLenient: this.lenient,
      clock,
      random,
      json: this.#json,
      watches,
      mailboxOf,
    };
    const result = route.answer(context);
    if (result === null) return { status: 204, json: '' };
    const whole = typeof result === 'string' ? result : JSON.stringify(result);
    const json = fault.odd.reduce(
      (text, odd) => oddAnswer(text, odd, route.method, call.url.searchParams.get('pageToken')),
      whole,
    );
    const fields = call.url.searchParams.get('fields');
    return { status: 200, json: fields === null ? json : selectFields(json, fields) };
  }

  #mailboxFor(identity: Identity, userId: string): SimulatedMailbox {
    if (userId !== 'me' && userId.toLowerCase() !== identity.email) {
      throw new ApiError(403, 'forbidden', `Delegation denied for ${identity.email}`);
    }
    const mailbox = this.#options.mailboxOf(identity.email);
    if (mailbox === null) throw new ApiError(400, 'failedPrecondition', 'Mail service not enabled');
    return mailbox;
  }

  #strikeCall(route: Route, mailbox: SimulatedMailbox, ids: readonly string[], call: ApiCall): FaultOutcome {
    const subject: FaultSubject = {
      level: 'call',
      email: mailbox.email,
      method: route.method,
      concerns: (messageId) =>
        ids[0] === messageId ||
        (route.method === 'threads.get' && mailbox.thread(ids[0] ?? '').some(({ id }) => id === messageId)),
      format: FORMATTED.has(route.method) ? (call.url.searchParams.get('format') ?? 'full').toLowerCase() : null,
    };
    return this.#options.faults.strike(subject, this.#options.clock.now());
  }

  #strike(level: 'request', method: 'batch' | 'token' | null, call: ApiCall): FaultOutcome {
    const { faults, tokens, clock } = this.#options;
    let email: string | null = null;
    try {
      if (method !== 'token') email = tokens.identify(call.authorization, clock.now()).email;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // an unknown caller: only faults without an address strike
    }
    return faults.strike({ level, email, method, concerns: () => false, format: null }, clock.now());
  }
}

/** Thrown to in-process clients; over HTTP, the socket is destroyed instead. */
class ConnectionReset extends Error {
  override readonly name = 'ConnectionReset';
  readonly code = 'ECONNRESET';

  constructor() {
    super('read ECONNRESET');
  }
}

function isRateRefusal(error: ApiError): boolean {
  return error.status === 429 || (error.status === 403 && /rateLimitExceeded/i.test(error.reason));
}

/** The answer with which a fault replaces the call's; null when the call is carried out. */
const replaced = ({ refusal, instead }: FaultOutcome): ApiAnswer | null =>
  refusal === null ? instead : refused(refusal);
const refused = (error: ApiError): ApiAnswer => ({ status: error.status, json: error.toJSON() });

function jsonResponse(answer: ApiAnswer): SimulatorResponse {
  const contentType = contentTypeOf(answer);
  return {
    status: answer.status,
    headers: contentType === null ? {} : { 'content-type': contentType },
    body: Buffer.from(answer.json, 'utf8'),
  };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
