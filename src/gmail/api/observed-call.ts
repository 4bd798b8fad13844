import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Telemetry } from '../../model/telemetry.ts';
import type { CalledMethod } from './classify.ts';
import type { Lane } from '../../model/lane.ts';
import { GmailError } from './gmail-error.ts';

/** A request to Gmail: one call, or a batch of calls. */
interface Call {
  readonly method: CalledMethod;
  readonly calls: number;
  readonly units: number;
  readonly format?: string;
}

type ObservedCall = <Result>(
  call: Call,
  send: () => Promise<Result>,
  rejectedIn?: (result: Result) => number,
) => Promise<Result>;

/**
 * Sends the requests of one mailbox to Gmail, each in its own span, and reports how long each took and how it ended.
 * The time does not include the wait for units.
 */
export function observedCall({
  telemetry,
  clock,
  mailbox,
  lane,
}: {
  telemetry: Telemetry;
  clock: Clock;
  mailbox: MailboxId;
  lane: Lane;
}): ObservedCall {
  return ({ method, calls, units, format }, send, rejectedIn = () => 0) => {
    const attributes = {
      'tidemark.mailbox': mailbox,
      'tidemark.lane': lane,
      'gmail.method': method,
      'gmail.calls': calls,
      'gmail.units': units,
      ...(format === undefined ? {} : { 'gmail.format': format }),
    };
    return telemetry.span(`gmail ${method}`, attributes, async (span) => {
      const startedAt = clock.now();
      const ended = (outcome: 'answered' | 'rejected' | 'failed'): void =>
        telemetry.observe('tidemark_gmail_request_duration_seconds', (clock.now() - startedAt) / 1_000, {
          method,
          outcome,
        });
      try {
        const result = await send();
        span.set({ 'gmail.outcome': 'answered', 'gmail.rejected': rejectedIn(result) });
        ended('answered');
        return result;
      } catch (error) {
        const kind = error instanceof GmailError ? error.failure.kind : 'aborted';
        span.set({ 'gmail.outcome': kind, 'gmail.rejected': kind === 'rate-limited' ? calls : 0 });
        ended(kind === 'rate-limited' ? 'rejected' : 'failed');
        throw error;
      }
    });
  };
}
