import type { GmailMethod, PriceTable } from '../../model/prices.ts';
import { isRateLimited, type PacedCalls } from './paced-calls.ts';

/** Makes one call of a method, paced and repeated. */
export type SingleCall = <Result>(
  method: GmailMethod,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
) => Promise<Result>;

export function singleCalls(calls: PacedCalls, prices: PriceTable): SingleCall {
  const { usage, observed } = calls;
  return (method, signal, call) => {
    const units = prices.units[method];
    return calls.repeated({ method, units: [units], signal }, async (permit) => {
      let result: Awaited<ReturnType<typeof call>>;
      try {
        result = await calls.releasing(
          permit,
          () => observed({ method, calls: 1, units }, call),
          () => [],
        );
      } catch (error) {
        const refused = isRateLimited(error);
        const counted = refused ? { units: 0, rejected: 1, failed: 0 } : { units, rejected: 0, failed: 1 };
        usage.count({ method, calls: 1, ...counted });
        throw error;
      }
      usage.count({ method, calls: 1, units, rejected: 0, failed: 0 });
      await usage.flushWhenDue();
      return result;
    });
  };
}
