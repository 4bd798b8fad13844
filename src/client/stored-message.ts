export type { AuditResult, Change, FailedMessage, LackingMessage, StoredMessage } from '../store/mailbox-store.ts';
export type { LostBody } from '../store/bodies/lost-bodies.ts';
