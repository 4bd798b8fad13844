import type { PreviewAccess } from '../client/preview-settings.ts';
import type { Config } from '../config/config.ts';
import { priceTableOf } from '../config/quota-variables.ts';
import { configFor } from '../config/running-start.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Stores } from '../store/open-store.ts';

interface PreviewMeans {
  readonly config: Config;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly tokenProvider: TokenProvider | undefined;
}

/**
 * What previews of settings ask of Gmail and of the prices. Loaded when a preview is asked for. When Gmail does not
 * answer, a change is still possible: the preview only says less.
 */
export function previewAccess({ config, stores, clock, tokenProvider }: PreviewMeans): PreviewAccess {
  const request = (mailbox: MailboxId) => ({
    config: configFor(config, mailbox),
    stores,
    mailbox,
    clock,
    tokenProvider,
  });
  return {
    inScope: async (mailbox, settings) => {
      const { countInScope, orUnknown } = await import('../accounts/count-in-scope.ts');
      return orUnknown(() => countInScope({ ...request(mailbox), settings }));
    },
    firstSync: async (mailbox, settings, signal) => {
      const { listScope } = await import('../accounts/list-scope.ts');
      const listed = await listScope({ ...request(mailbox), settings, signal });
      if (listed === null) return null;
      const { priceOfListed } = await import('../activities/forecast-backfill.ts');
      const prices = priceTableOf(configFor(config, mailbox), clock);
      const deps = { store: stores.store, prices, userShare: config.quota.userShare, clock };
      const { messages, threads, pages } = listed;
      return {
        messages,
        certainty: 'exact',
        conversations: threads.reduce((sum, { threads: count }) => sum + count, 0),
        pages,
        ...(await priceOfListed(deps, listed, settings)),
      };
    },
    hasLabel: async (mailbox, labelId) => {
      const { hasLabel, orUnknown } = await import('../accounts/count-in-scope.ts');
      return orUnknown(() => hasLabel({ ...request(mailbox), labelId }));
    },
    price: async (mailbox, work) => {
      const { priceOfFetching } = await import('../activities/forecast-backfill.ts');
      const prices = priceTableOf(configFor(config, mailbox), clock);
      return priceOfFetching({ store: stores.store, prices, userShare: config.quota.userShare, clock }, mailbox, work);
    },
  };
}
