import type { EnsureTemporalServerOptions, Holding, TemporalServer } from './temporal-server.ts';
import { readInstance } from './instance-file.ts';
import { TemporalServerError } from './temporal-server-error.ts';

/** Milliseconds between checks of a server that another process started. */
const LOOK_EVERY = 1_000;
const RETRY_AFTER = 200;
/** A server that dies this often within a minute will not stay up. */
const DEATHS_A_MINUTE = 5;

/**
 * Keeps a server running until it is stopped. The end of a child process is noticed at once, that of a joined server
 * within a second. The server is then started again at the same address, under the directory's lock: when several
 * processes use it, one starts it and the others join. Clients and workers reconnect by themselves.
 * @param again joins the server, or starts it at the address of the one that died
 */
export function watchServer(
  first: Holding,
  options: EnsureTemporalServerOptions,
  again: (previous: Holding) => Promise<Holding>,
): TemporalServer {
  return new WatchedServer(first, options, again);
}

class WatchedServer implements TemporalServer {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly lost: Promise<TemporalServerError>;
  readonly #options: EnsureTemporalServerOptions;
  readonly #again: (previous: Holding) => Promise<Holding>;
  readonly #stopped = new AbortController();
  readonly #watching: Promise<unknown>;
  #holding: Holding;

  constructor(first: Holding, options: EnsureTemporalServerOptions, again: (previous: Holding) => Promise<Holding>) {
    this.address = first.address;
    this.uiUrl = first.uiUrl;
    this.#options = options;
    this.#again = again;
    this.#holding = first;
    this.#watching = this.#watch().catch((error: unknown) => error);
    this.lost = this.#watching.then((end) => this.#lossAfter(end));
  }

  get owned(): boolean {
    return this.#holding.own !== null;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#holding.own?.stop();
    await this.#watching;
  }

  /** @returns why the server is no longer watched */
  async #watch(): Promise<TemporalServerError> {
    const { clock, log } = this.#options;
    const deaths: number[] = [];
    let failure: unknown;
    for (;;) {
      await this.#died();
      this.#stopped.signal.throwIfAborted();
      deaths.push(clock.now());
      if (deaths.filter((at) => at > clock.now() - 60_000).length > DEATHS_A_MINUTE)
        return this.#doesNotStayUp(deaths.length, failure);
      log('the Temporal server has stopped: starting it again');
      try {
        await this.#startAgain();
      } catch (error) {
        // The new server may have been killed, or its port taken for a moment. That counts as one more death.
        failure = error;
        await clock.sleep(RETRY_AFTER, this.#stopped.signal);
        continue;
      }
      if (this.#holding.address !== this.address) return this.#cameBackElsewhere();
      log(`the Temporal server runs again at ${this.#holding.address}`);
    }
  }

  async #died(): Promise<void> {
    const { dataDir, clock } = this.#options;
    if (this.#holding.own !== null) return await this.#holding.own.exited;
    while (readInstance(dataDir)?.pid === this.#holding.pid) await clock.sleep(LOOK_EVERY, this.#stopped.signal);
  }

  async #startAgain(): Promise<void> {
    const next = await this.#again(this.#holding);
    // `stop` was called during the start: nothing else would stop the new server.
    if (this.#stopped.signal.aborted) await next.own?.stop();
    this.#holding = next;
  }

  /** A server that was stopped on purpose is never reported as lost. */
  #lossAfter(end: unknown): TemporalServerError | Promise<TemporalServerError> {
    if (this.#stopped.signal.aborted) return new Promise(() => undefined);
    return end instanceof TemporalServerError
      ? end
      : new TemporalServerError('The Temporal server could not be started again.', { cause: end });
  }

  #doesNotStayUp(times: number, cause: unknown): TemporalServerError {
    return new TemporalServerError(
      `The Temporal server does not stay up: it ended ${times} times. ` +
        `Its log is ${this.#options.dataDir}/temporal.log.`,
      { cause },
    );
  }

  #cameBackElsewhere(): TemporalServerError {
    return new TemporalServerError(
      `The Temporal server came back at ${this.#holding.address}, not ${this.address}: start this process again.`,
    );
  }
}
