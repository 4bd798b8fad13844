import { afterEach, expect, it } from 'vitest';

import { seal, secretKey } from '../../src/secrets/secret-box.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

let mailbox: RunningMailbox;
afterEach(() => mailbox.close());

const KEY = secretKey(new Uint8Array(32).fill(7), 'a test');
const scope = (name: string): string => `https://www.googleapis.com/auth/gmail.${name}`;

async function consent(scopes: readonly string[], { known = true } = {}): Promise<void> {
  const grant = mailbox.simulator.grant(ADA, { scopes });
  const text = JSON.stringify(known ? { ...grant, scopes } : grant);
  await mailbox.stores.credentials.put(ADA, { ...seal(KEY, ADA, text), version: 0 });
  mailbox.lanes.dispatch({ kind: 'reconnected' });
}

const blocked = () => mailbox.lanes.state.blocked;

it('a grant that bars the format makes the mailbox wait, without a listing or a get, for a wider consent', async () => {
  mailbox = await RunningMailbox.open({ format: 'metadata' });
  mailbox.receive(5);
  await consent([scope('metadata')]);
  await mailbox.settle();
  const before = mailbox.calls();
  mailbox.lanes.configure({ ...mailbox.lanes.state.settings, format: 'raw' });
  await mailbox.run(60_000);
  expect(blocked()).toMatchObject({
    kind: 'needs-consent',
    message: expect.stringMatching(/has granted gmail.metadata, but format raw needs gmail.readonly/),
    remedy: { kind: 'grant', without: null, format: 'raw', orLess: true },
  });
  // The live lane may read history once more under the earlier settings, which the grant covers.
  expect(mailbox.gets(before)).toBe(0);
  expect(mailbox.calls()['messages.list']).toBe(before['messages.list']);

  await consent([scope('readonly')]);
  await mailbox.settle();
  await expectExact(mailbox);
});

it('a scope by date is barred as well, and settings that need less let the mailbox go on', async () => {
  mailbox = await RunningMailbox.open({ format: 'metadata' });
  mailbox.receive(5);
  await consent([scope('metadata')]);
  await mailbox.settle();
  const { settings } = mailbox.lanes.state;
  mailbox.lanes.configure({ ...settings, scope: { ...settings.scope, after: 1 } });
  await mailbox.run(60_000);
  expect(blocked()).toMatchObject({
    kind: 'needs-consent',
    message: expect.stringContaining('Gmail refuses searches (q)'),
  });
  mailbox.lanes.configure(settings);
  mailbox.lanes.dispatch({ kind: 'resumed' });
  await mailbox.settle();
  await expectExact(mailbox);
});

it.each([{ known: true }, { known: false }])(
  'gmail.metadata beside gmail.readonly bars bodies, and the named remedy helps (scopes known: $known)',
  async ({ known }) => {
    mailbox = await RunningMailbox.open({ format: 'raw' });
    mailbox.receive(5);
    await consent([scope('metadata'), scope('readonly')], { known });
    await mailbox.run(60_000);
    const message = blocked()?.message;
    expect(blocked()?.kind).toBe('needs-consent');
    expect(message).toMatch(
      known
        ? new RegExp(
            String.raw`has granted gmail.metadata, gmail.readonly: under gmail.metadata ` +
              String.raw`Gmail refuses format raw, whatever else was granted`,
          )
        : /the grant holds gmail.metadata, and under it Gmail refuses \S+ with these settings/,
    );
    expect(blocked()?.remedy).toMatchObject({ kind: 'grant', without: 'gmail.metadata' });
    expect(mailbox.gets() === 0).toBe(known);

    await consent([scope('readonly')]);
    await mailbox.settle();
    await expectExact(mailbox);
  },
);

it('gmail.metadata beside gmail.readonly is no obstacle to settings that it allows', async () => {
  mailbox = await RunningMailbox.open({ format: 'metadata' });
  mailbox.receive(5);
  await consent([scope('metadata'), scope('readonly')]);
  await mailbox.settle();
  expect(blocked()).toBeNull();
  await expectExact(mailbox);
});

it("a grant with unknown scopes is tried, and Gmail's refusal makes the mailbox wait for consent", async () => {
  mailbox = await RunningMailbox.open({ format: 'raw' });
  mailbox.receive(5);
  const before = mailbox.calls();
  await consent([scope('metadata')], { known: false });
  await mailbox.run(60_000);
  expect(mailbox.gets(before)).toBeGreaterThan(0);
  expect(blocked()).toMatchObject({
    kind: 'needs-consent',
    message: expect.stringContaining('the grant holds gmail.metadata'),
  });
});
