const API_OFF =
  'the Gmail API is not enabled in the Google Cloud project of its credentials. ' +
  'Enable it in the Google Cloud console; Google then needs some minutes';
const CLIENT =
  'Google no longer accepts the OAuth client of its credentials. Restore the client in the Google Cloud console, ' +
  'or connect the mailbox with another one';

/**
 * What Google's reasons mean, and who can resolve them. Reasons such as `admin_policy_enforced` come from the token
 * endpoint.
 */
const CAUSES: Readonly<Record<string, string>> = {
  accessNotConfigured: API_OFF,
  SERVICE_DISABLED: API_OFF,
  mailServiceNotEnabled: 'Gmail is switched off for this account. Its Workspace administrator can switch it on',
  domainPolicy: "the policy of its Workspace domain does not allow it. The domain's administrator can change that",
  admin_policy_enforced:
    'the policy of its Workspace domain does not trust the OAuth client. ' +
    "The domain's administrator can change that in the Admin console under Security, API controls",
  org_internal:
    'the OAuth client is for accounts of its own organisation only. ' +
    'Make it external on the OAuth consent screen, or connect the mailbox with another client',
  unknownUser:
    'Google knows no account of this address. Check the address: the account may have been deleted or renamed',
  invalid_client: CLIENT,
  deleted_client: CLIENT,
  disabled_client: CLIENT,
  privateKeyUnreadable:
    "the private key in the service account's file cannot be read. " +
    'Download a new key from the Google Cloud console, and connect the mailbox with it',
};

const UNKNOWN =
  'the account, its domain or the Google Cloud project does not allow it. Its owner or administrator must change that';

/**
 * Why Google refuses to serve a mailbox, and the remedy: two sentences without the last full stop, with the reason's
 * code in brackets.
 */
export function refusalCause(reason: string): string {
  const [cause, ...remedy] = (CAUSES[reason] ?? UNKNOWN).split('. ');
  return [`${cause ?? ''} (${reason})`, ...remedy].join('. ');
}
