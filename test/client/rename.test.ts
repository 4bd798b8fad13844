import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MailboxUnknownError, RenameRefusedError } from '../../src/client/errors.ts';
import { TidemarkClient } from '../../src/client/tidemark-client.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { renamingAccess } from '../../src/accounts/rename-access.ts';
import { webhookAccess } from '../../src/app/webhooks-of-config.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { workflowIdOf } from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { System } from '../fixtures/system/system.ts';

const address = (name: string): MailboxId => mailboxId(`rename-${name}@example.com`);
const POLL = { timeout: 25_000 };

/** Where the process dies: after this step, before the next one. */
const STEPS = [
  'credentials copied',
  'workflow handed over',
  'row renamed',
  'credentials deleted',
  'workflow started',
] as const;

describe('renaming a mailbox whose account has another address at Google', () => {
  let system: System;
  beforeAll(async () => {
    system = await System.open('rename-0');
    await system.startWorker();
    const { client } = system.tidemark;
    await client.start(system.mailbox, { pollInterval: 5 * 60_000 });
    await client.sync(system.mailbox, { wait: true });
    await eventually(30_000, async () => ((await client.status(system.mailbox)).inSync === true ? true : null));
  }, 60_000);
  afterAll(() => system.close());

  /** A client of a process that dies after one of the steps. */
  function dyingAfter(step: (typeof STEPS)[number]): TidemarkClient {
    const { store, credentials, temporal } = system.tidemark;
    const die = (): never => {
      throw new Error(`died: ${step}`);
    };
    const access = renamingAccess({
      config: system.config,
      stores: { store, credentials },
      clock: systemClock,
    });
    const after =
      <Request, Result>(name: (typeof STEPS)[number], work: (request: Request) => Promise<Result>) =>
      async (request: Request): Promise<Result> => {
        const result = await work(request);
        return step === name ? die() : result;
      };
    return new TidemarkClient({
      temporal,
      clock: systemClock,
      taskQueue: system.config.taskQueue,
      webhooks: webhookAccess(system.config, { store, credentials }, systemClock),
      renaming: {
        ...access,
        copyCredentials: after('credentials copied', (request: Parameters<typeof access.copyCredentials>[0]) =>
          access.copyCredentials(request),
        ),
      },
      store: {
        ...store,
        renameMailbox: (request) =>
          step === 'workflow handed over'
            ? die()
            : after('row renamed', (again: typeof request) => store.renameMailbox(again))(request),
      },
      credentials: { delete: after('credentials deleted', (mailbox: MailboxId) => credentials.delete(mailbox)) },
    });
  }

  let from = address('0');

  it.each(STEPS)(
    'is finished by the same command after it died with "%s"; the feed goes on, and no mail is fetched again',
    async (step) => {
      const { client, credentials, store } = system.tidemark;
      const to = address(String(STEPS.indexOf(step) + 1));
      await system.renameAtGoogle(to);
      const [before, row, fetched] = [
        (await client.readChanges(from)).changes,
        await store.getMailbox(from),
        await system.gets(),
      ];

      const renaming = dyingAfter(step).rename(from, to);
      const died = await renaming.then(
        () => 'after its last step',
        (error: unknown) => String(error),
      );
      expect(died).toBe(step === 'workflow started' ? 'after its last step' : `Error: died: ${step}`);
      const { id } = await system.deliver(`while ${step}`);
      expect(await client.rename(from, to)).toEqual({ mailbox: to, from, running: true });
      await expect
        .poll(
          async () =>
            (await client.readChanges(to, { after: before.length })).changes.map(({ sequence, messageId }) => [
              sequence,
              messageId,
            ]),
          POLL,
        )
        .toEqual([[before.length + 1, id]]);
      expect((await client.readChanges(to)).changes.slice(0, before.length)).toEqual(
        before.map((change) => ({ ...change, mailbox: to })),
      );
      expect(await system.stored(to)).toEqual(await system.truth());
      // The message that came, and five witnesses for each time that the command asked whose account it is.
      expect((await system.gets()) - fetched).toBeLessThanOrEqual(1 + 2 * 5);
      expect(await store.getMailbox(to)).toMatchObject({
        generation: row?.generation,
        createdAt: row?.createdAt,
        renamedFrom: from,
      });
      expect((await client.status(to)).settings?.pollInterval).toBe(5 * 60_000);
      expect([await store.getMailbox(from), await credentials.get(from)]).toEqual([null, null]);
      expect((await system.tidemark.temporal.workflow.getHandle(workflowIdOf(from)).describe()).status.name).toBe(
        'COMPLETED',
      );
      from = to;
    },
    60_000,
  );

  it('keeps a paused mailbox paused, and a stopped one stopped', async () => {
    const { client } = system.tidemark;
    const [paused, stopped] = [address('paused'), address('stopped')];
    await client.pause(from);
    await system.renameAtGoogle(paused);
    expect(await client.rename(from, paused)).toMatchObject({ running: true });
    await expect.poll(async () => (await client.status(paused)).phase, POLL).toBe('paused');
    await client.resume(paused);
    await client.stop(paused);
    await system.renameAtGoogle(stopped);
    expect(await client.rename(paused, stopped)).toMatchObject({ running: false });
    expect((await client.status(stopped)).phase).toBe('stopped');
    await client.start(stopped);
    await client.sync(stopped, { wait: true });
    expect(await system.stored(stopped)).toEqual(await system.truth());
    from = stopped;
  }, 60_000);

  it("is refused, and changes nothing, for an address that is not the account's at Google, unless forced", async () => {
    const { client, store } = system.tidemark;
    const other = address('other');
    const before = await store.getMailbox(from);
    await expect(client.rename(from, other)).rejects.toMatchObject({
      code: 'rename-refused',
      reason: 'not-its-address',
      message: `The address of ${from}'s account at Google is ${from}, not ${other}: nothing was changed.`,
      remedy: { kind: 'rename-by-force', from, to: other },
    });
    expect(await store.getMailbox(from)).toMatchObject({ id: from, createdAt: before?.createdAt });
    expect(await client.rename(from, other, { force: true })).toMatchObject({ mailbox: other, running: true });
    expect(await client.rename(other, from)).toMatchObject({ mailbox: from, running: true });
  }, 60_000);

  it('is refused for the address of another mailbox, for its own address, and for an unknown mailbox', async () => {
    const { client, store } = system.tidemark;
    const taken = address('taken');
    await store.putMailbox({ mailbox: taken, settings: DEFAULT_SETTINGS, now: systemClock.now() });
    await expect(client.rename(from, taken)).rejects.toMatchObject({ reason: 'taken' });
    await expect(client.rename(from, from)).rejects.toMatchObject({ reason: 'same' });
    await expect(client.rename(address('nobody'), address('somebody'))).rejects.toBeInstanceOf(MailboxUnknownError);
    expect((await client.status(from)).phase).toBe('live');
  });

  it('is refused without a worker while the workflow runs', async () => {
    const { client } = system.tidemark;
    await system.stopWorker();
    const away = address('away');
    await system.renameAtGoogle(away);
    // The server remembers a worker for about a minute. This client asks a task queue that never had one.
    const { store, credentials, temporal } = system.tidemark;
    const access = renamingAccess({
      config: system.config,
      stores: { store, credentials },
      clock: systemClock,
    });
    const withoutWorker = new TidemarkClient({
      temporal,
      store,
      credentials,
      clock: systemClock,
      renaming: access,
      webhooks: webhookAccess(system.config, { store, credentials }, systemClock),
      taskQueue: 'nobody-asks-here',
    });
    const refused = withoutWorker.rename(from, away);
    await expect(refused).rejects.toBeInstanceOf(RenameRefusedError);
    await expect(refused).rejects.toMatchObject({ reason: 'no-worker' });
    await system.startWorker();
    expect(await client.rename(from, away)).toMatchObject({ mailbox: away, running: true });
  }, 60_000);
});
