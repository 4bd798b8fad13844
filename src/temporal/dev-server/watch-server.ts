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
  { dataDir, log, clock }: EnsureTemporalServerOptions,
  again: (previous: Holding) => Promise<Holding>,
): TemporalServer {
  const stopped = new AbortController();
  let holding = first;

  const died = async (): Promise<void> => {
    if (holding.own !== null) return await holding.own.exited;
    while (readInstance(dataDir)?.pid === holding.pid) await clock.sleep(LOOK_EVERY, stopped.signal);
  };

  const watch = async (): Promise<TemporalServerError> => {
    const deaths: number[] = [];
    let failure: unknown;
    for (;;) {
      await died();
      stopped.signal.throwIfAborted();
      deaths.push(clock.now());
      if (deaths.filter((at) => at > clock.now() - 60_000).length > DEATHS_A_MINUTE) {
        return new TemporalServerError(
          `The Temporal server does not stay up: it ended ${deaths.length} times. Its log is ${dataDir}/temporal.log.`,
          { cause: failure },
        );
      }
      log('the Temporal server has stopped: starting it again');
      try {
        const next = await again(holding);
        // `stop` was called during the start: nothing else would stop the new server.
        if (stopped.signal.aborted) await next.own?.stop();
        holding = next;
      } catch (error) {
        // The new server may have been killed, or its port taken for a moment. That counts as one more death.
        failure = error;
        await clock.sleep(RETRY_AFTER, stopped.signal);
        continue;
      }
      if (holding.address !== first.address) {
        return new TemporalServerError(
          `The Temporal server came back at ${holding.address}, not ${first.address}: start this process again.`,
        );
      }
      log(`the Temporal server runs again at ${holding.address}`);
    }
  };

  const watching = watch().catch((error: unknown) => error);
  const lost = watching.then((end) => {
    if (stopped.signal.aborted) return new Promise<TemporalServerError>(() => undefined);
    return end instanceof TemporalServerError
      ? end
      : new TemporalServerError('The Temporal server could not be started again.', { cause: end });
  });
  return {
    address: first.address,
    uiUrl: first.uiUrl,
    get owned() {
      return holding.own !== null;
    },
    lost,
    async stop() {
      stopped.abort();
      await holding.own?.stop();
      await watching;
    },
  };
}
