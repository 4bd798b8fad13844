import type { MailboxId } from '../model/ids.ts';
import { audit } from './audit.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { fetchSlice } from './fetch-slice.ts';
import { fullSync, recover } from './full-sync.ts';
import { openMailbox } from './open-mailbox.ts';
import { partialSync } from './partial-sync.ts';
import type { MailboxActivities, OfWorker } from './requests.ts';
import { runActivity } from './run-activity.ts';
import { stopWatch } from './watch.ts';

/** The activities as a worker registers them: plain functions over `deps`, bracketed by what Temporal needs of them. */
export function createActivities(deps: ActivityDependencies): MailboxActivities {
  const bracket =
    <Request extends { readonly mailbox: MailboxId }, Result>(
      name: keyof MailboxActivities,
      activity: (deps: ActivityDependencies, request: Request, run: ActivityRun) => Promise<Result>,
    ) =>
    (request: Request): Promise<Result> =>
      runActivity(deps, { ...request, name }, (run) => activity(deps, request, run));
  /** Those whose result the workflow keeps. */
  const telling = <Request extends { readonly mailbox: MailboxId }, Result extends OfWorker>(
    name: keyof MailboxActivities,
    activity: (deps: ActivityDependencies, request: Request, run: ActivityRun) => Promise<Result>,
  ) =>
    bracket(name, async (given: ActivityDependencies, request: Request, run: ActivityRun): Promise<Result> => ({
      ...(await activity(given, request, run)),
      ...skewOf(given),
    }));
  return {
    openMailbox: telling('openMailbox', openMailbox),
    fullSync: telling('fullSync', fullSync),
    recover: telling('recover', recover),
    fetchSlice: telling('fetchSlice', fetchSlice),
    partialSync: telling('partialSync', partialSync),
    audit: telling('audit', audit),
    stopWatch: bracket('stopWatch', stopWatch),
  };
}

/** A skew below this is no news. */
const LEAST_SKEW = 1_000;

function skewOf({ skew }: ActivityDependencies): OfWorker {
  const ahead = skew?.ahead('temporal') ?? 0;
  return Math.abs(ahead) < LEAST_SKEW ? {} : { clockSkew: Math.round(ahead) };
}
