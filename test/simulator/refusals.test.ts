import { describe, expect, it } from 'vitest';

import { ADA, openSimulator, type ErrorBody } from '../fixtures/gmail/simulator-fixture.ts';

describe('a refusal', () => {
  it('of an API that was just enabled has Google’s old and new form', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ effect: { kind: 'status', status: 403, reason: 'accessNotConfigured' } });
    const { status, body } = await user.get<ErrorBody>('profile');
    expect(status).toBe(403);
    expect(body.error).toMatchObject({
      status: 'PERMISSION_DENIED',
      message: expect.stringContaining(
        'Gmail API has not been used in project 100000000000 before or it is disabled',
      ) as unknown,
      errors: [
        { reason: 'accessNotConfigured', domain: 'usageLimits', extendedHelp: 'https://console.developers.google.com' },
      ],
      details: [
        { reason: 'SERVICE_DISABLED', metadata: { service: 'gmail.googleapis.com' } },
        { locale: 'en-US' },
        { links: [{}] },
      ],
    });
  });

  it.each([
    [400, 'FAILED_PRECONDITION', 'failedPrecondition', 'Precondition check failed.'],
    [410, 'UNKNOWN', 'deleted', 'Resource has been deleted'],
    [500, 'INTERNAL', 'backendError', 'Internal error encountered.'],
  ])(
    'with status %i says what Google says, for a call, within a batch and for a whole batch',
    async (status, name, reason, message) => {
      const { user, simulator } = await openSimulator();
      const fault = simulator.faults.add({ match: { method: 'getProfile' }, effect: { kind: 'status', status } });
      const error = { code: status, status: name, message, errors: [{ reason }] };
      expect((await user.get<ErrorBody>('profile')).body.error).toMatchObject(error);
      expect(JSON.parse((await user.batch(['profile'])).parts[0]?.json ?? '')).toMatchObject({ error });
      fault.remove();
      simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'status', status } });
      expect(JSON.parse((await user.batch(['profile'])).text)).toMatchObject({ error });
    },
  );

  it('with 401 leaves the token endpoint as it is', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ effect: { kind: 'status', status: 401 } });
    expect((await user.get<ErrorBody>('profile')).body.error.errors[0]?.reason).toBe('authError');
    await user.signIn(simulator.credentialsFor(ADA));
    expect((await user.get('profile')).status).toBe(401);
  });
});

describe('an intercepted call', () => {
  it('is answered with Google’s HTML page at the batch endpoint, and costs nothing', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'intercept', status: 404 }, times: 1 });
    const refused = await user.send(
      'POST',
      '/batch/gmail/v1',
      '--b\r\n\r\nGET /gmail/v1/users/me/profile\r\n\r\n--b--',
      { 'content-type': 'multipart/mixed; boundary=b' },
    );
    expect(refused.status).toBe(404);
    expect(refused.text).toMatch(/^<!DOCTYPE html>.*That’s an error/s);
    expect(simulator.usage.calls).toBe(0);
    expect((await user.batch(['profile'])).status).toBe(200);
  });

  it.each([
    [400, 'Your client has issued a malformed or illegal request.'],
    [404, 'The requested URL was not found on this server.'],
    [502, 'The server encountered a temporary error and could not complete your request.<p>Please try again in 30'],
  ])('is answered with the words of Google’s frontend for %i', async (status, words) => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ effect: { kind: 'intercept', status } });
    const { text } = await user.send('GET', '/gmail/v1/users/me/profile');
    expect(text).toContain(`<b>${status}.</b> <ins>That’s an error.</ins>\n  <p>${words}`);
  });

  it('may be answered with any bytes and type, by itself and as a part of a batch', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({
      match: { method: 'getProfile' },
      effect: { kind: 'intercept', status: 200, contentType: 'text/plain', body: 'busy' },
    });
    expect(await user.send('GET', '/gmail/v1/users/me/profile')).toMatchObject({ status: 200, text: 'busy' });
    const { text } = await user.batch(['profile']);
    expect(text).toContain('Content-Type: text/plain');
    expect(text).toContain('busy');
  });
});
