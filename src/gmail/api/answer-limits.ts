import type { SentMethod } from './classify.ts';
import { SMALL_ANSWER } from './transport.ts';

const MIB = 2 ** 20;

/**
 * The largest answer of each method in bytes, before and after decompression. A page of 500 ids has some 40 KB, so a
 * page of many megabytes does not come from Gmail, and parsing it would take several times its size in memory.
 */
export const ANSWER_LIMITS: Readonly<Record<SentMethod, number>> = {
  // Gmail accepts mail of at most 50 MB, which base64 makes a third larger. A batch holds several messages; one that is
  // too large is halved.
  batch: 256 * MIB,
  'messages.get': 128 * MIB,
  'messages.attachments.get': 128 * MIB,
  'threads.get': 256 * MIB,
  'messages.list': SMALL_ANSWER,
  // A record may concern hundreds of messages. A page that is too large is asked for again with fewer records.
  'history.list': 16 * MIB,
  getProfile: SMALL_ANSWER,
  // A mailbox has at most 10,000 labels.
  'labels.list': 8 * MIB,
  'labels.get': SMALL_ANSWER,
  watch: SMALL_ANSWER,
  stop: SMALL_ANSWER,
  token: SMALL_ANSWER,
};
