export type { AuditResult, Change, FailedMessage, LackingMessage, StoredMessage } from '../store/mailbox-store.ts';
export type { LostBody } from '../store/fetching/lost-bodies.ts';
