import type { CalledMethod } from './classify.ts';
import { SMALL_ANSWER } from './transport.ts';

const MIB = 2 ** 20;

/**
 * Bytes that an answer may have, before and after decompression. A page of 500 ids has some 40 KB, so a page of many megabytes comes from something
 * else than Gmail, and parsed it would take several times that of the worker's memory.
 */
export const ANSWER_LIMITS: Readonly<Record<CalledMethod, number>> = {
  // Gmail takes mail of 50 MB at most, which base64 makes a third larger. A batch holds several; a batch that is too large is halved.
  batch: 256 * MIB,
  'messages.get': 128 * MIB,
  'messages.attachments.get': 128 * MIB,
  'threads.get': 256 * MIB,
  'messages.list': SMALL_ANSWER,
  // A record may hold hundreds of messages. A page that is too large is asked for again with fewer records.
  'history.list': 16 * MIB,
  getProfile: SMALL_ANSWER,
  // 10,000 labels at most.
  'labels.list': 8 * MIB,
  'labels.get': SMALL_ANSWER,
  watch: SMALL_ANSWER,
  stop: SMALL_ANSWER,
  token: SMALL_ANSWER,
};
