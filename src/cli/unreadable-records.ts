import { subscriptionOf, type SecretOwner } from '../secrets/secret-owner.ts';

/** A sentence names this many owners and counts the rest. --json has all of them. */
const NAMED = 10;

/**
 * What a rotation says about the records that no key decrypts: whose they are and, once for each kind, what to do.
 *
 * @param owners - at least one
 */
export function unreadableWords(owners: readonly SecretOwner[]): string {
  const subscriptions = owners.flatMap((owner) => subscriptionOf(owner) ?? []);
  const mailboxes = owners.filter((owner) => subscriptionOf(owner) === null);
  const what = [
    ...(mailboxes.length === 0 ? [] : [`the credentials of ${named(mailboxes)}`]),
    ...(subscriptions.length === 0 ? [] : [`the webhook secrets of ${named(subscriptions)}`]),
  ];
  const instead = [
    ...(mailboxes.length === 0
      ? []
      : [`connect ${mailboxes.length === 1 ? 'the mailbox' : 'each mailbox'} again: ${connecting(mailboxes)}`]),
    ...(subscriptions.length === 0
      ? []
      : [
          'make new secrets, which the receiver must learn: ' +
            `tidemark subscribe ${of(subscriptions)} --new-secret --drop-former-secret`,
        ]),
  ];
  return (
    `No key decrypts ${what.join(' and ')}. ` +
    'Add the key that encrypted them to TIDEMARK_OLD_SECRET_KEYS and run this again, ' +
    `or ${instead.join('; ')}`
  );
}

const connecting = (mailboxes: readonly string[]): string =>
  `tidemark connect ${mailboxes.length === 1 ? mailboxes[0] : 'EMAIL'} --credentials FILE`;

const of = (subscriptions: readonly string[]): string => (subscriptions.length === 1 ? `${subscriptions[0]}` : 'NAME');

function named(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
