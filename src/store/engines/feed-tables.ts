export interface ChangeTable {
  mailbox_key: number;
  sequence: number;
  kind: string;
  message_id: string;
  thread_id: string;
  label_ids: string;
  history_id: string;
  at: number;
  /** Labels that the message gained and lost, and why it is gone. An earlier version leaves all three null. */
  added: string | null;
  removed: string | null;
  why: string | null;
}

/** Changes of one mailbox that follow each other in the feed of all mailboxes. */
export interface SegmentTable {
  /** The position of its last change. Positions count the changes of all mailboxes. */
  position: number;
  /** The mailbox's key. The row outlives the mailbox, so that cursors in its segments stay valid. */
  changes_of: number;
  first_sequence: number;
  last_sequence: number;
  /** Drawn with the segment: after a restore, the segment at the same position gets another tag. */
  tag: string;
}
