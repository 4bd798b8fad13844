import type { GmailSession } from '../api/gmail-api.ts';
import { PageWalks } from '../api/page-walk.ts';
import { BatchCalls } from './batch-calls.ts';
import { ByteRoom } from './byte-room.ts';
import { PacedCalls, type PacedCallsOptions } from './paced-calls.ts';
import { singleCalls } from './single-calls.ts';

export interface GmailSessionOptions extends PacedCallsOptions {
  /** How much of the process's memory large messages may take. By default, a session has its own room. */
  readonly room?: ByteRoom | undefined;
}

/**
 * Calls Gmail at the pace that the quota allows. Each call waits for its units, the pace adapts to refusals, and a call
 * is repeated while its failure may pass soon.
 *
 * @throws {GmailError} from every call that finally failed; the signal's reason when it aborts
 */
export function createGmailSession(options: GmailSessionOptions): GmailSession {
  const { api, mailbox, prices, pacer, room = new ByteRoom() } = options;
  const calls = new PacedCalls(options);
  const single = singleCalls(calls, prices);
  const batches = new BatchCalls(calls, { api, mailbox, prices });
  const walks = new PageWalks(mailbox);
  return {
    prepare: (signal) => calls.prepare(signal),
    getProfile: (signal) => single('getProfile', signal, () => api.getProfile(signal)),
    listLabels: (signal) => single('labels.list', signal, () => api.listLabels(signal)),
    getLabel: (id, signal) => single('labels.get', signal, () => api.getLabel(id, signal)),
    listMessages: (query, signal) =>
      walks.next('messages.list', query, (attempt) =>
        single('messages.list', signal, () => attempt(() => api.listMessages(query, signal))),
      ),
    watch: (request, signal) => single('watch', signal, () => api.watch(request, signal)),
    stopWatch: (signal) => single('stop', signal, () => api.stopWatch(signal)),
    listHistory: (query, signal) =>
      walks.next('history.list', query, (attempt) =>
        single('history.list', signal, () => attempt(() => api.listHistory(query, signal))),
      ),
    getAttachment: (attachment, signal) =>
      single('messages.attachments.get', signal, () => api.getAttachment(attachment, signal)),
    batchGet: (requests, format, signal) => batches.get(requests, format, signal),

    batchSize: () => pacer.batchSize(),
    width: () => pacer.width(),
    holding: (bytes, work, signal) => room.holding(bytes, work, signal),
    unitsSpent: () => calls.usage.units,
    flush: () => calls.usage.flush(),
  };
}
