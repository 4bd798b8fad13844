export type { AuditResult, Change, StoredMessage } from '../store/mailbox-store.ts';
