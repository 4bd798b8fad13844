import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE = 100;

/**
 * Asks again and again until `check` answers something other than null, at most `within` milliseconds; `still` says
 * what was missing.
 */
export async function eventually<Result>(
  within: number,
  check: () => Promise<Result | null>,
  still: () => string = () => check.toString(),
): Promise<Result> {
  const deadline = performance.now() + within;
  for (;;) {
    const result = await check();
    if (result !== null) return result;
    if (performance.now() > deadline) throw new Error(`not within ${within / 1_000} s: ${still()}`);
    await sleep(PAUSE);
  }
}
