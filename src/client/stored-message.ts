export type { AuditResult } from '../store/rows/mailbox-row.ts';
export type { Change } from '../model/change.ts';
export type { FailedMessage, LackingMessage } from '../store/fetching/work-store.ts';
export type { StoredMessage } from '../store/reads/mail-store.ts';
export type { LostBody } from '../model/lost-body.ts';
