export type { Change, StoredMessage } from '../store/mailbox-store.ts';
