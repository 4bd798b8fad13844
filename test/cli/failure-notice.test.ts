import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { failureNotice, tellingFailures } from '../../src/cli/failure-notice.ts';
import { Output } from '../../src/cli/output.ts';
import { ServerUnreachableError } from '../../src/client/errors.ts';
import { reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';

const ADA = mailboxId('ada@example.com');
const COUNTS = { stored: 0, pending: 0, failed: 0, gone: 0, excluded: 0, lacking: 0, backfill: 0, due: 0 };
const failing = (message: string) => ({ kind: 'failing', message, since: 0, until: null }) as const;
const OUTAGE = failing('ada@example.com: Gmail gave no usable answer to history.list (HTTP 503); trying again');

const AT_ZERO = { now: () => 0 };

function reportWith(conditions: MailboxReport['conditions']): MailboxReport {
  return {
    ...reportOf(
      ADA,
      { row: null, counts: COUNTS, usage: { calls: 0, units: 0, rejected: 0, failed: 0, successful: 0, methods: {} } },
      { phase: 'live', status: null },
    ),
    conditions,
  };
}

function terminal(): { readonly out: Output; readonly said: () => Promise<string> } {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = text(stderr);
  return { out: new Output({ stdout, stderr, json: false }), said: () => (stderr.end(), said) };
}

test('a wait says what fails meanwhile, each failure once', async () => {
  const { out, said } = terminal();
  const tell = failureNotice(out, AT_ZERO);
  tell(reportWith({ live: null, backfill: null }));
  tell(reportWith({ live: OUTAGE, backfill: null }));
  tell(reportWith({ live: OUTAGE, backfill: failing('the disk is full') }));
  expect(await said()).toBe(`Still waiting. ${OUTAGE.message}\nStill waiting. the disk is full\n`);
});

test('a short wait for quota, and a condition that ends the wait, are not reported as failures', async () => {
  const { out, said } = terminal();
  failureNotice(
    out,
    AT_ZERO,
  )(
    reportWith({ live: { ...OUTAGE, kind: 'rate-limited', until: 1 }, backfill: { ...OUTAGE, kind: 'needs-consent' } }),
  );
  expect(await said()).toBe('');
});

test('a long wait for quota is reported once, though its end moves', async () => {
  const { out, said } = terminal();
  const tell = failureNotice(out, AT_ZERO);
  for (const until of [3_600_000, 7_200_000])
    tell(
      reportWith({
        live: { kind: 'rate-limited', message: `the daily limit, until ${until}`, since: 0, until },
        backfill: null,
      }),
    );
  expect(await said()).toBe('Still waiting. the daily limit, until 3600000\n');
});

test('a failure is reported during the wait, and the wait then ends as usual', async () => {
  const { out, said } = terminal();
  const clock = createVirtualClock();
  const client = { status: async () => reportWith({ live: OUTAGE, backfill: null }) };
  const waited = clock.run(() =>
    tellingFailures({ client, mailbox: ADA, out, clock }, () => clock.sleep(60_000).then(() => 'done')),
  );
  expect(await waited).toBe('done');
  expect(await said()).toBe(`Still waiting. ${OUTAGE.message}\n`);
});

test('a database that cannot be read meanwhile is reported once, and the looks go on', async () => {
  const { out, said } = terminal();
  const clock = createVirtualClock();
  let looks = 0;
  const status = async (): Promise<MailboxReport> => {
    looks += 1;
    if (looks <= 2) throw new StoreError({ kind: 'unavailable' }, 'The database mail at db:5432 is not there.');
    if (looks === 3) throw new ServerUnreachableError('temporal:7233');
    return reportWith({ live: OUTAGE, backfill: null });
  };
  await clock.run(() => tellingFailures({ client: { status }, mailbox: ADA, out, clock }, () => clock.sleep(60_000)));
  expect(await said()).toBe(
    `Still waiting. The database mail at db:5432 is not there.\nStill waiting. ${OUTAGE.message}\n`,
  );
});
