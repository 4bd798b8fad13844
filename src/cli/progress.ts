import { blockReasonOf, isBlocked } from '../client/blocked-mailbox.ts';
import { MailboxBlockedError, MailboxNotRunningError } from '../client/errors.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import type { PricedForecast } from '../model/forecast.ts';
import type { MailboxId } from '../model/ids.ts';
import { failureNotice } from './failure-notice.ts';
import { noWorkerNotice } from './no-worker.ts';
import type { Output } from './output.ts';
import { Pacemeter, type Pace, withForecast } from './pace.ts';
import { about, count, timeOf } from './words.ts';

export interface FollowRequest {
  readonly client: TidemarkClient;
  readonly mailbox: MailboxId;
  readonly out: Output;
  readonly config: Pick<Config, 'taskQueue'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The store is read more often than the workflow is queried: a read costs the database a count, a query costs a
 * worker's time.
 */
const DRAW_EVERY = 250;
const ASK_EVERY = 1_000;
/** A forecast sums up all pending rows. */
const FORECAST_EVERY = 5_000;
const LINE_EVERY = 5_000;
/** A worker that starts or replays a long history does not answer at once. */
const SILENCE = 4_000;
/** The server still lists a worker for a minute after its death. After this silence its list is not consulted. */
const LONG_SILENCE = 10_000;

/**
 * Shows a mailbox's progress until it is in sync: a bar on a terminal, a line every few seconds elsewhere.
 *
 * @throws {MailboxBlockedError} when the mailbox waits for a person
 * @throws {MailboxNotRunningError} when its workflow ended
 */
export async function followUntilInSync({
  client,
  mailbox,
  out,
  config,
  clock,
  signal,
}: FollowRequest): Promise<MailboxReport> {
  const meter = new Pacemeter();
  const sayNoWorker = noWorkerNotice(out, config);
  const sayFailures = failureNotice(out, clock);
  let askedAt = -Infinity;
  let forecastAt = -Infinity;
  let forecast: PricedForecast | null = null;
  let saidAt = clock.now();
  let answeredAt = clock.now();
  let phase: MailboxReport['phase'] = 'full-sync';
  let heldUntil: number | null = null;
  try {
    for (;;) {
      const now = clock.now();
      if (now - askedAt >= ASK_EVERY) {
        askedAt = now;
        const report = await client.status(mailbox);
        ({ phase, heldUntil } = report);
        if (report.workerAnswered) answeredAt = now;
        if (report.inSync === true) return report;
        if (phase === 'stopped') throw new MailboxNotRunningError(mailbox);
        if (isBlocked(phase) && report.workerAnswered)
          throw new MailboxBlockedError(mailbox, phase, blockReasonOf(report));
        sayFailures(report);
        const silent = now - answeredAt;
        if (silent > LONG_SILENCE || (silent > SILENCE && !(await client.hasWorker(signal)))) {
          if (out.draws) out.draw('');
          sayNoWorker();
        }
      }
      const report = await client.progress(mailbox);
      meter.add(report, clock.now());
      if (now - forecastAt >= FORECAST_EVERY) {
        forecastAt = now;
        forecast = await client.forecast(mailbox);
      }
      const line = progressLine(
        { ...report, phase, heldUntil },
        withForecast(meter.read(report.counts.pending), forecast, clock.now()),
      );
      if (out.draws) out.draw(line);
      else if (!out.json && clock.now() - saidAt >= LINE_EVERY) {
        saidAt = clock.now();
        out.notice(line.trim());
      }
      await clock.sleep(DRAW_EVERY, signal);
    }
  } finally {
    if (out.draws) out.draw('');
  }
}

const BAR = 24;

/** `  ██████░░░░  1,234 of 2,000 messages  62%  410/s  24,680 units  49,200 units/min  ETA 2s` */
export function progressLine(report: MailboxReport, pace: Pace): string {
  const { fullSync, counts, usage } = report;
  const finished = counts.stored + counts.failed;
  const total = finished + counts.pending;
  const units = `${count(usage.units)} units`;
  const empty = '░'.repeat(BAR);
  // The total grows while ids are listed, so a percentage would go backwards.
  if (fullSync === null || fullSync.step === 'listing')
    return `  ${empty}  listing: ${count(total)} messages found, ${count(finished)} stored  ${units}`;
  if (fullSync.step === 'label-listing' || fullSync.step === 'reading-labels')
    return `  ${empty}  comparing labels: ${count(total)} messages known, ${count(finished)} stored  ${units}`;
  // After a first listing, only Gmail's counts are compared; later ones confirm also what they did not show.
  if (fullSync.step === 'confirming')
    return `  ${empty}  checking the listing: ${count(total)} messages known, ${count(finished)} stored  ${units}`;
  const share = total === 0 ? 1 : finished / total;
  const filled = Math.floor(share * BAR);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
  const waits = waitWords(report);
  const eta = pace.remaining === null || pace.remaining === 0 ? '' : `  ETA ${about(pace.remaining)}`;
  return (
    `  ${bar}  ${count(finished)} of ${count(total)} messages  ${Math.floor(share * 100)}%  ` +
    `${count(pace.messagesPerSecond)}/s  ${units}  ${count(pace.unitsPerMinute)} units/min${waits}${eta}`
  );
}

function waitWords({ phase, rateLimitedUntil, heldUntil }: MailboxReport): string {
  if (phase !== 'rate-limited') return '';
  if (rateLimitedUntil !== null) return '  waiting for quota';
  return heldUntil === null ? '' : `  held back until ${timeOf(heldUntil)}: the project's units of the day are spent`;
}
