import type { Counts, QuotaUse } from '../activities/requests.ts';
import type { MailboxState } from './mailbox-state.ts';

/** What every result says about the mailbox as a whole. */
export const countsIn = ({
  stored,
  pending,
  failed,
  quota,
  clockSkew = 0,
  gmailClockSkew = 0,
}: Counts): Pick<MailboxState, 'stored' | 'pending' | 'failed'> & { readonly quota?: QuotaUse } => ({
  stored,
  pending,
  failed,
  // `finishAt` is by Gmail's clock, but is shown next to times by the server's clock.
  ...(quota === undefined
    ? {}
    : {
        quota: { ...quota, finishAt: quota.finishAt === null ? null : quota.finishAt - (clockSkew - gmailClockSkew) },
      }),
});
