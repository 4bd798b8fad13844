import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { TestEndpoint } from './endpoint-fixture.ts';
import { AUDIENCE, envelope, SERVICE_ACCOUNT, type Google } from '../fixtures/gmail/google.ts';

const FORGED = 700;
const BROKEN = 500;
const PAYLOAD = { emailAddress: 'ada@example.com', historyId: '9876543210' };
const GOOD = envelope(PAYLOAD);
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

let endpoint: TestEndpoint;
let good: string;
beforeAll(async () => {
  endpoint = await TestEndpoint.start();
  good = await endpoint.google.token();
});
afterAll(() => endpoint.close());

type Attack = (google: Google) => Promise<string> | string;

const now = (): number => Math.floor(Date.now() / 1_000);
const json = fc.jsonValue({ maxDepth: 1 });
const not = (...allowed: unknown[]) =>
  json.filter(
    (value) => !allowed.includes(value) && !(Array.isArray(value) && value.some((entry) => allowed.includes(entry))),
  );

/** One claim that is not what it must be; everything else is right, and the signature is Google's own. */
const wrongClaim = fc.oneof(
  not(...ISSUERS).map((iss) => ({ iss })),
  not(AUDIENCE).map((aud) => ({ aud })),
  not(SERVICE_ACCOUNT).map((email) => ({ email })),
  not(true).map((verified) => ({ email_verified: verified })),
  fc
    .oneof(
      fc.integer({ min: 31, max: 1e9 }).map((ago) => now() - ago),
      fc.string(),
      fc.constant(null),
    )
    .map((exp) => ({ exp })),
  fc.integer({ min: 60, max: 1e6 }).map((ahead) => ({ nbf: now() + ahead })),
  fc.constantFrom('iss', 'aud', 'email', 'email_verified', 'exp').map((name) => ({ [name]: undefined })),
);

/** A good token with one character changed, so that it says, or is signed by, something else. */
const changed = fc
  .record({ at: fc.nat(), to: fc.constantFrom(...BASE64URL.split('')) })
  .map(({ at, to }): Attack => () => {
    const place = at % good.length;
    const token = `${good.slice(0, place)}${to}${good.slice(place + 1)}`;
    // The last character of a signature has bits that mean nothing; a dot ends a part.
    return meansTheSame(token, good) ? `${good}A` : token;
  });

const attacks: fc.Arbitrary<Attack> = fc.oneof(
  {
    weight: 4,
    arbitrary: wrongClaim.map(
      (claims): Attack =>
        (google) =>
          google.token(claims),
    ),
  },
  { weight: 3, arbitrary: changed },
  {
    weight: 1,
    arbitrary: fc.nat().map(
      (length): Attack =>
        () =>
          good.slice(0, length % good.length),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.stringMatching(/^[\w.-]{0,300}$/).map(
      (text): Attack =>
        () =>
          text,
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Attack>(
      (google) => google.forged(),
      (google) => google.hmac(),
      (google) => google.unsigned(),
      () => `${good.split('.').slice(0, 2).join('.')}.`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ minLength: 1, maxLength: 20 }).map(
      (kid): Attack =>
        (google) =>
          google.forged({}, { kid }),
    ),
  },
);

const bodies: fc.Arbitrary<string> = fc.oneof(
  fc.nat().map((length) => GOOD.slice(0, length % GOOD.length)),
  fc.string(),
  fc.json({ maxDepth: 3 }),
  fc.jsonValue().map((value) => envelope(value)),
  fc.string().map((text) => envelope(text)),
  not()
    .filter((value) => typeof value !== 'string')
    .map((emailAddress) => envelope({ ...PAYLOAD, emailAddress })),
  fc
    .string()
    .filter((text) => !text.includes('@'))
    .map((emailAddress) => envelope({ ...PAYLOAD, emailAddress })),
  json
    .filter((value) => typeof value !== 'string' && typeof value !== 'number')
    .map((historyId) => envelope({ ...PAYLOAD, historyId })),
  fc
    .string()
    .filter((text) => !/^\d+$/.test(text))
    .map((historyId) => envelope({ ...PAYLOAD, historyId })),
  json.map((data) => JSON.stringify({ message: { data } })),
  json.map((message) => JSON.stringify({ message })),
);

test(`all of ${FORGED} generated requests without a valid token of Google are refused`, async () => {
  const before = endpoint.pokes.length;
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(attacks, async (attack) => {
      statuses.add(await endpoint.post(GOOD, await attack(endpoint.google)));
      expect(endpoint.pokes).toHaveLength(before);
    }),
    { numRuns: FORGED },
  );
  expect([...statuses]).toEqual([401]);
  // The same endpoint accepts the good token.
  expect(await endpoint.post(GOOD, good)).toBe(204);
}, 120_000);

test(`all of ${BROKEN} generated bodies that are not notifications are refused`, async () => {
  const before = endpoint.pokes.length;
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      statuses.add(await endpoint.post(body, good));
      expect(endpoint.pokes).toHaveLength(before);
    }),
    { numRuns: BROKEN },
  );
  expect([...statuses]).toEqual([400]);
  expect(await endpoint.post(GOOD, good)).toBe(204);
}, 120_000);

function meansTheSame(a: string, b: string): boolean {
  const [left, right] = [a.split('.'), b.split('.')];
  if (left.length !== 3 || left[0] !== right[0] || left[1] !== right[1]) return false;
  return Buffer.from(left[2] ?? '', 'base64url').equals(Buffer.from(right[2] ?? '', 'base64url'));
}
