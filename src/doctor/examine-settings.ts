import type { Config } from '../config/config.ts';
import { ok, warning, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

const DAY = 24 * 60 * 60_000;
/** So long before its end, the old quota is worth a warning. */
const SOON = 60 * DAY;

const number = (value: number): string => value.toLocaleString('en-US');

/** Gmail's quota as it is configured. */
export function examineQuota({ config: { quota }, clock }: Installation): Finding {
  const { userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay, prices, next } = quota;
  const text =
    `Prices of ${prices}: ${number(userUnitsPerMinute)} units a minute for each user, ` +
    `${number(projectUnitsPerMinute)} for the project` +
    `${projectUnitsPerDay === null ? '' : `, ${number(projectUnitsPerDay)} a day`}. ` +
    "Compare them with the project's page of quotas.";
  if (next === null || next.at - clock.now() > SOON) return ok('quota', text);
  return warning('quota', `${text} They end on ${new Date(next.at).toISOString().slice(0, 10)}.`);
}

/** How new mail is noticed. */
export function examinePush({ config: { push } }: Installation): Finding {
  return push.topic === null
    ? ok('push', 'Off: mailboxes are polled. PUSH_TOPIC turns it on.')
    : ok('push', `Mailboxes are watched with ${push.topic}.${receiverOf(push)}`);
}

function receiverOf({ audience, serviceAccount, subscription }: Config['push']): string {
  if (subscription !== null) return ` tidemark push --pull takes its notifications from ${subscription}.`;
  return audience !== null && serviceAccount !== null ? ` tidemark push receives them for ${audience}.` : '';
}
