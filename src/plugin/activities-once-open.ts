import { Context } from '@temporalio/activity';

import type { SyncActivities } from '../activities/requests.ts';

/**
 * The activities of a worker whose stores may not be open yet: each activity waits until they are. A worker must know
 * the names of its activities when it is created, and at that time nothing is open.
 */
export function activitiesOnceOpen(open: () => Promise<SyncActivities>): SyncActivities {
  // A worker that shuts down cancels the wait.
  const opened = (): Promise<SyncActivities> => Promise.race([open(), Context.current().cancelled]);
  return {
    openMailbox: async (request) => (await opened()).openMailbox(request),
    fullSync: async (request) => (await opened()).fullSync(request),
    recover: async (request) => (await opened()).recover(request),
    fetchSlice: async (request) => (await opened()).fetchSlice(request),
    partialSync: async (request) => (await opened()).partialSync(request),
    lookForChanges: async (request) => (await opened()).lookForChanges(request),
    audit: async (request) => (await opened()).audit(request),
    noteEvents: async (request) => (await opened()).noteEvents(request),
    stopWatch: async (request) => (await opened()).stopWatch(request),
  };
}
