import type { MethodUsage, QuotaLedger } from '../../src/model/quota-ledger.ts';
import type { MailboxId } from '../../src/model/ids.ts';

export interface MemoryLedger extends QuotaLedger {
  readonly usage: MethodUsage[];
  /** How often a document was written. */
  readonly writes: () => number;
  readonly document: (mailbox: MailboxId) => string | null;
}

/** The ledger as a store keeps it: it outlives the sessions of a test, as a database outlives a crash. */
export function createMemoryLedger(): MemoryLedger {
  const documents = new Map<MailboxId, string>();
  const usage: MethodUsage[] = [];
  let writes = 0;
  return {
    usage,
    writes: () => writes,
    document: (mailbox) => documents.get(mailbox) ?? null,
    async update(mailbox, change) {
      // A store answers later than at once: whoever relies on being alone must hold the update itself for that.
      await Promise.resolve();
      const { ledger, result } = change(documents.get(mailbox) ?? null);
      documents.set(mailbox, ledger);
      writes++;
      return result;
    },
    async addUsage(_mailbox, added) {
      await Promise.resolve();
      usage.push(...added);
    },
  };
}
