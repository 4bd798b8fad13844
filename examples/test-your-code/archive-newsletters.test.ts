// Tests of your own Gmail code against a simulated Gmail: no account, no network, and Gmail's bad days on request.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { auth, gmail as gmailOf } from 'googleapis/build/src/apis/gmail/index.js';
import { Simulator, startSimulatorServer, systemClock } from 'tidemark/simulator';
import type { SimulatedMailbox, SimulatorServer } from 'tidemark/simulator';

import { archiveNewsletters } from './archive-newsletters.ts';

let simulator: Simulator;
let server: SimulatorServer;
let ada: SimulatedMailbox;
beforeEach(async () => {
  simulator = new Simulator({ clock: systemClock });
  ada = simulator.addMailbox('ada@example.com');
  server = await startSimulatorServer({ simulator, port: 0 });
});
afterEach(() => server.close());

/** Google's own client, pointed at the simulator. */
function gmailOfAda() {
  const {
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token,
  } = simulator.credentialsFor('ada@example.com');
  const client = new auth.OAuth2({ clientId, clientSecret, endpoints: { oauth2TokenUrl: `${server.url}/token` } });
  client.setCredentials({ refresh_token });
  return gmailOf({ version: 'v1', auth: client, rootUrl: server.url });
}

const arrives = (subject: string, ...labelIds: string[]) =>
  ada.insert({ raw: `From: shop@example.com\r\nSubject: ${subject}\r\n\r\nhello\r\n`, labelIds });
const inbox = () => ada.truth().filter(({ labelIds }) => labelIds.includes('INBOX'));

test('newsletters leave the inbox, and nothing else does', async () => {
  arrives('Sale', 'INBOX', 'CATEGORY_PROMOTIONS');
  const letter = arrives('Dear Ada', 'INBOX');
  assert.equal(await archiveNewsletters(gmailOfAda()), 1);
  assert.deepEqual(
    inbox().map(({ id }) => id),
    [letter.id],
  );
});

test('Gmail is asked again after a 503', async () => {
  arrives('Sale', 'INBOX', 'CATEGORY_PROMOTIONS');
  simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'status', status: 503 }, times: 1 });
  assert.equal(await archiveNewsletters(gmailOfAda()), 1);
  assert.deepEqual(inbox(), []);
});
