import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE = 100;

/**
 * Repeats `check` until it returns something other than null, for at most `within` milliseconds. `still` says what was
 * missing.
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
