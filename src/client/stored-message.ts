export type { AuditResult, Change, StoredMessage } from '../store/mailbox-store.ts';
export type { LostBody } from '../store/bodies/lost-bodies.ts';
