import type { Generated } from 'kysely';

export interface MessageTable {
  mailbox_key: number;
  id: string;
  thread_id: string;
  label_ids: string;
  state: string;
  history_id: string | null;
  reading_history_id: string | null;
  internal_date: number | null;
  size_estimate: number;
  snippet: string;
  /** The format in which the body is held; null when no body is held. */
  format: string | null;
  /** How many parts Gmail stores apart from a FULL body; null when the body does not say. */
  attachments: number | null;
  /** 1 when the body holds the attachments, or the message has none. */
  attachments_held: number;
  /**
   * What the stored message lacks, because Gmail does not give it: `raw` (held as full), `attachments`; null when it
   * lacks nothing.
   */
  lacks: string | null;
  /**
   * Set for pending and failed rows, and for stored rows whose attachments or raw form are asked for again. The index
   * of the work to do holds only these rows.
   */
  lane: string | null;
  /** Order within the lane, smallest first. */
  rank: number;
  /** Order of listing in `listed_generation`. */
  position: number | null;
  listed_generation: number;
  /**
   * The generation whose listing counted this message within the scope's limit; 0 for one that arrived after a listing.
   */
  admitted_generation: number | null;
  attempts: number;
  last_error: string | null;
  /** 0: at once. */
  next_attempt_at: number;
  discovered_at: number;
  /** Since when the labels must be read again. */
  refresh_at: number | null;
  /** 1 when the change feed's last entry on this message says that it exists. */
  announced: number;
  /** When a `gone` message was buried, while its body is still kept; null otherwise. */
  buried_at: number | null;
  /** Why the row is `gone`: see WhyGone. null in rows of earlier versions, and meaningless in another state. */
  gone_because: string | null;
  /** 1 when `message_headers` holds the headers of the held body. Versions without this column leave 0. */
  described: Generated<number>;
}

/** What people look for in a message, read from its body and kept as long as the body. */
export interface MessageHeadersTable {
  mailbox_key: number;
  message_id: string;
  subject: string | null;
  from_name: string | null;
  from_address: string | null;
  /** JSON: `[["to", "Ada", "ada@example.com"], …]`, also of kind `cc` and `bcc`. */
  recipients: string;
  /** The header Date, epoch milliseconds; null when it is missing or no date. */
  sent_at: number | null;
  /** The header Message-ID, with its angle brackets. */
  rfc822_id: string | null;
  /** null when the held format does not say. */
  has_attachments: number | null;
}
