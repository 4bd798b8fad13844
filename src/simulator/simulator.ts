import { requireClock, type Clock } from '../model/clock.ts';
import { mailboxId } from '../model/ids.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import { UsageError } from '../model/program-errors.ts';
import type { PriceTable, PriceTableName } from '../model/prices.ts';
import { Consent } from './consent-screen.ts';
import { Directory } from './user-directory.ts';
import { Faults } from './faults.ts';
import { Frontend } from './frontend.ts';
import type { SimulatorRequest, SimulatorResponse } from './http.ts';
import { SimulatedMailbox } from './simulated-mailbox.ts';
import { CurrentPrices } from './current-prices.ts';
import { Quota, type QuotaEnforcement } from './quota-enforcement.ts';
import { Random, seedFor } from './random.ts';
import { CLIENT_ID, Tokens, type AuthorizedUser, type ClientFile } from './tokens.ts';
import { UsageMeter } from './usage.ts';
import { Watches, type Delivery, type Notification } from './watches.ts';

/** How a simulator behaves. */
export interface SimulatorOptions {
  /** Used for time and pauses. Randomness comes from the seed, not from the clock. */
  readonly clock: Clock;
  /** Equal seeds and equal calls give equal answers. 1 when not given. */
  readonly seed?: number | undefined;
  /** `2026` when not given. */
  readonly prices?: PriceTableName | PriceTable | undefined;
  /** When not given, units are counted but not enforced. */
  readonly quota?: QuotaEnforcement | undefined;
  /** Milliseconds that every answer takes; 0 when not given. */
  readonly latencyMs?: number | undefined;
  /**
   * Answers what is not simulated as well as can be. When not given, such a call gets 501 with the name of what is
   * missing.
   */
  readonly lenient?: boolean | undefined;
}

const OPTIONS: OptionNames<SimulatorOptions> = {
  clock: true,
  seed: true,
  prices: true,
  quota: true,
  latencyMs: true,
  lenient: true,
};

/**
 * A local Gmail: mailboxes with history, the Gmail API over them, Google's token endpoint, quotas, lag and faults.
 * Modelled on https://developers.google.com/workspace/gmail/api; docs/simulator.md says where it had to guess.
 */
export class Simulator {
  /** The root URL for in-process clients. `transport` ignores the host and looks only at the path. */
  readonly rootUrl = 'http://gmail.simulator';
  /** What goes wrong on command. */
  readonly faults: Faults;
  /** What calls cost, by mailbox and method. */
  readonly usage = new UsageMeter();
  /** The users of the Workspace domain. */
  readonly directory: Directory;
  /** The clock that gives dates and measures delays. */
  readonly clock: Clock;
  readonly #seed: number;
  readonly #quota: Quota;
  readonly #prices: CurrentPrices;
  readonly #tokens: Tokens;
  readonly #watches: Watches;
  readonly #frontend: Frontend;
  readonly #mailboxes = new Map<string, SimulatedMailbox>();

  /**
   * Makes a Gmail without mailboxes: `addMailbox` makes them.
   *
   * @param options - the clock, prices, limits, and the seed of what Gmail leaves open
   * @throws {UsageError} when an option is unknown, or the clock is missing
   */
  constructor(options: SimulatorOptions) {
    knownOptions('Simulator', options, OPTIONS);
    this.clock = requireClock('Simulator', options.clock);
    this.#seed = options.seed ?? 1;
    const random = (name: string): Random => new Random(seedFor(this.#seed, name));
    const prices = new CurrentPrices(options.prices ?? '2026');
    this.#prices = prices;
    this.faults = new Faults(random('faults'));
    this.#quota = new Quota(options.quota ?? { window: 'off' }, prices, random('quota'));
    this.directory = new Directory(() => [...this.#mailboxes.keys()]);
    const consent = new Consent({
      random: random('consent'),
      clientId: CLIENT_ID,
      accounts: () => [...this.#mailboxes.keys()],
    });
    this.#tokens = new Tokens({ random: random('tokens'), isMailbox: (email) => this.#mailboxes.has(email), consent });
    this.#watches = new Watches({ clock: this.clock, random: random('watches') });
    this.#frontend = new Frontend({
      clock: this.clock,
      random: random('frontend'),
      latencyMs: options.latencyMs ?? 0,
      lenient: options.lenient ?? false,
      mailboxOf: (email) => this.#mailboxes.get(email) ?? null,
      prices,
      faults: this.faults,
      usage: this.usage,
      quota: this.#quota,
      tokens: this.#tokens,
      consent,
      directory: this.directory,
      watches: this.#watches,
    });
  }

  /** The limits that are enforced. A new value applies from now on. */
  get quota(): QuotaEnforcement {
    return this.#quota.enforcement;
  }

  set quota(enforcement: QuotaEnforcement) {
    this.#quota.enforcement = enforcement;
  }

  /**
   * Makes other prices and limits apply from a moment on, as on 2027-04-01 for projects of 2025.
   *
   * @param at - epoch ms; now when not given
   * @param table - the prices, or the name of one of Google's tables
   */
  changePrices(table: PriceTableName | PriceTable, at: number = this.clock.now()): void {
    this.#prices.change(table, at);
  }

  /** Milliseconds that each answer takes. A new value applies from now on. */
  get latencyMs(): number {
    return this.#frontend.latencyMs;
  }

  set latencyMs(milliseconds: number) {
    this.#frontend.latencyMs = milliseconds;
  }

  /** Whether what is not simulated is answered as well as can be, instead of with 501. */
  get lenient(): boolean {
    return this.#frontend.lenient;
  }

  set lenient(lenient: boolean) {
    this.#frontend.lenient = lenient;
  }

  /** Whether a batch's answers keep the order of its calls, which Gmail does not promise. */
  get batchOrder(): 'kept' | 'shuffled' {
    return this.#frontend.batchOrder;
  }

  set batchOrder(order: 'kept' | 'shuffled') {
    this.#frontend.batchOrder = order;
  }

  /**
   * Answers one HTTP request.
   *
   * @param request - the request; of its URL only the path counts
   * @returns the answer
   * @throws the signal's reason when it aborts, and an error with code `ECONNRESET` for a reset on command
   */
  readonly transport = (request: SimulatorRequest): Promise<SimulatorResponse> => this.#frontend.answer(request);

  /**
   * Makes a mailbox without mail.
   *
   * @param email - its address
   * @returns the mailbox
   * @throws {InvalidIdError} when the text is not an e-mail address
   * @throws {UsageError} when the address already has a mailbox
   */
  addMailbox(email: string): SimulatedMailbox {
    const id = mailboxId(email);
    this.#requireFree(id);
    const mailbox = new SimulatedMailbox({
      email: id,
      clock: this.clock,
      seed: this.#seed,
      onRecord: (changed, labelIds) => this.#watches.notify(changed, labelIds),
    });
    this.#mailboxes.set(id, mailbox);
    return mailbox;
  }

  /**
   * Gives the account another address. getProfile and notifications name the new address; grants, mail, ids and history
   * stay the same.
   *
   * @param email - the mailbox's address
   * @param to - its new address
   * @returns the mailbox
   * @throws {UsageError} when there is no such mailbox, or the new address already has a mailbox
   */
  rename(email: string, to: string): SimulatedMailbox {
    const mailbox = this.mailbox(email);
    const [from, address] = [mailbox.email, mailboxId(to)];
    this.#requireFree(address);
    this.#mailboxes.delete(from);
    this.#mailboxes.set(address, mailbox);
    mailbox.email = address;
    for (const part of [this.#tokens, this.#watches, this.usage, this.directory]) part.rename(from, address);
    return mailbox;
  }

  /**
   * Finds a mailbox.
   *
   * @param email - its address, in any case
   * @returns the mailbox
   * @throws {UsageError} when the address has no mailbox
   */
  mailbox(email: string): SimulatedMailbox {
    const mailbox = this.#mailboxes.get(email.toLowerCase());
    if (mailbox === undefined) throw new UsageError(`The simulator has no mailbox ${email}: addMailbox makes one.`);
    return mailbox;
  }

  #requireFree(email: string): void {
    if (this.#mailboxes.has(email))
      throw new UsageError(`The simulator already has a mailbox ${email}: choose another address.`);
  }

  /**
   * Every mailbox.
   *
   * @returns the mailboxes, in the order in which they were made
   */
  mailboxes(): SimulatedMailbox[] {
    return [...this.#mailboxes.values()];
  }

  /**
   * The credentials of the mailbox's last grant, in Google's own form.
   *
   * @param email - the mailbox's address
   * @returns the credentials, as `connect` takes them
   * @throws {UsageError} when the address has no mailbox
   */
  credentialsFor(email: string): AuthorizedUser {
    return this.#tokens.credentialsFor(this.mailbox(email).email);
  }

  /** Scopes that domain-wide delegation gives to service accounts; null for any. */
  set delegation(scopes: readonly string[] | null) {
    this.#tokens.delegation = scopes;
  }

  /**
   * The OAuth client for consent, in the form of Google's file.
   *
   * @returns the file's content
   */
  clientFile(): ClientFile {
    return this.#tokens.clientFile();
  }

  /**
   * Withdraws the owner's consent. From now on, the token endpoint answers `invalid_grant` and API calls 401.
   *
   * @param email - the mailbox's address
   * @throws {UsageError} when the address has no mailbox
   */
  revoke(email: string): void {
    this.#tokens.revoke(this.mailbox(email).email);
  }

  /**
   * Records the owner's consent and makes a new refresh token, for full access unless `scopes` is given.
   *
   * @param email - the mailbox's address
   * @param options - `scopes`: what is granted
   * @returns the credentials of the new grant
   * @throws {UsageError} when the address has no mailbox
   */
  grant(email: string, options: { scopes?: readonly string[] } = {}): AuthorizedUser {
    return this.#tokens.grant(this.mailbox(email).email, options.scopes);
  }

  /** How push notifications are delivered; change the object in place. */
  get delivery(): Delivery {
    return this.#watches.delivery;
  }

  /**
   * Epoch ms when Gmail's watch on a mailbox ends; null when there is none.
   *
   * @param email - the mailbox's address
   * @returns epoch milliseconds
   * @throws {UsageError} when the address has no mailbox
   */
  watchedUntil(email: string): number | null {
    return this.#watches.expirationOf(this.mailbox(email).email);
  }

  /**
   * Calls `listener` for each push notification of a watched mailbox.
   *
   * @param listener - called with each notification
   * @returns a function that removes the listener
   */
  onNotification(listener: (notification: Notification) => void): () => void {
    return this.#watches.listen(listener);
  }
}
