import { describe, expect, it } from 'vitest';

import { CLIENT_ID } from '../../src/simulator/tokens.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { ADA } from '../fixtures/gmail/simulator-fixture.ts';

/** The page on which a person consents. */
async function pageFor(emails: readonly string[], hint: string | null): Promise<string> {
  const simulator = new Simulator({ clock: systemClock });
  for (const email of emails) simulator.addMailbox(email);
  const query = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: 'http://localhost:1234/',
    response_type: 'code',
    scope: 'https://www.googleapis.com/auth/gmail.readonly',
    ...(hint === null ? {} : { login_hint: hint }),
  });
  const answer = await simulator.transport({
    method: 'GET',
    url: `/o/oauth2/v2/auth?${query.toString()}`,
    headers: {},
  });
  expect(answer.status).toBe(200);
  return answer.body.toString();
}

describe('the consent screen', () => {
  it('asks for one account, and says what access is given to', async () => {
    const page = await pageFor([ADA, 'bob@example.com'], null);
    expect(page).toContain('<h2>The application wants access to</h2>');
    expect(page).toContain(`required value="${ADA}" checked>`);
    expect(page).not.toContain('has no mailbox');
    // Refusing needs no choice of an account.
    expect(page).toContain('value="deny" formnovalidate');
  });

  it('chooses the account of the hint, in any case', async () => {
    expect(await pageFor(['bob@example.com', ADA], 'Ada@Example.com')).toContain(`required value="${ADA}" checked>`);
  });

  it('says that it has no such account, or no account, and chooses no other one', async () => {
    const next = 'POST /simulator/mailboxes makes one; load this page again afterwards.';
    const page = await pageFor([ADA], 'eve@example.com');
    expect(page).toContain(`This simulator has no mailbox eve@example.com. ${next}`);
    expect(page).not.toContain(' checked> a');
    expect(await pageFor([], null)).toContain(`This simulator has no mailbox. ${next}`);
  });
});
