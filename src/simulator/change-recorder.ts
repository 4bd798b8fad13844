import type { Clock } from '../model/clock.ts';
import type { HeldMessages } from './held-messages.ts';
import type { HistoryLog, LogRecord, Operation } from './history-log.ts';
import type { Lag } from './lag.ts';
import type { Random } from './random.ts';
import { operationsOf, type ChangeToRecord } from './recorded-change.ts';
import { SimulatedMessage, type MessageIdentity, type Version } from './simulated-message.ts';

/** What a mailbox's changes are recorded with. */
interface Recording {
  readonly clock: Clock;
  readonly random: Random;
  readonly lag: Lag;
  readonly log: HistoryLog;
  readonly held: HeldMessages;
  /** Called with the labels of the messages that each history record is about. */
  readonly onRecord: (labelIds: ReadonlySet<string>) => void;
}

/**
 * Records what happens to a mailbox's messages: a record in its history and a new version of each message, which parts
 * of Gmail see only after their lag.
 */
export class ChangeRecorder {
  readonly #recording: Recording;
  #revision = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** Grows with each new version of a message. */
  get revision(): number {
    return this.#revision;
  }

  /** Adds a message that was not there before. @param labelIds - sorted */
  add(identity: MessageIdentity, labelIds: readonly string[]): void {
    const { held, onRecord } = this.#recording;
    const { id, threadId } = identity;
    const record = this.#record([{ kind: 'messagesAdded', messageId: id, threadId, labelIds, after: labelIds }]);
    held.add(new SimulatedMessage(identity, this.#version(record, true, labelIds)));
    onRecord(new Set(labelIds));
  }

  /** Makes one record of all changes, and no record when nothing changes. */
  change(changes: readonly ChangeToRecord[]): void {
    const { held, lag, onRecord } = this.#recording;
    const operations = changes.flatMap(operationsOf);
    if (operations.length === 0) return;
    const record = this.#record(operations);
    const touched = new Set(operations.map((operation) => operation.messageId));
    for (const { message, exists, labelIds } of changes) {
      if (!touched.has(message.id)) continue;
      held.change(message, this.#version(record, exists, labelIds), lag);
    }
    onRecord(new Set(operations.flatMap(({ labelIds, after }) => [...labelIds, ...after])));
  }

  /** Takes a label off a message without a record, and leaves the message's historyId. */
  stripSilently(message: SimulatedMessage, labelId: string): void {
    const { clock, lag } = this.#recording;
    const { historyId, labelIds } = message.current;
    const left = this.#version(
      { id: historyId, at: clock.now() },
      true,
      labelIds.filter((id) => id !== labelId),
    );
    message.change(left, lag.listMs > 0 || lag.getMs > 0);
  }

  #record(operations: readonly Operation[]): LogRecord {
    const { clock, lag, log } = this.#recording;
    const record = { id: log.advance(), at: clock.now(), delay: this.#delay(lag.historyMs), operations };
    log.append(record);
    return record;
  }

  #version(
    { id: historyId, at }: { readonly id: string; readonly at: number },
    exists: boolean,
    labelIds: readonly string[],
  ): Version {
    const { lag } = this.#recording;
    this.#revision += 1;
    return {
      exists,
      labelIds,
      historyId,
      at,
      listDelay: this.#delay(lag.listMs),
      getDelay: this.#delay(lag.getMs),
    };
  }

  #delay(milliseconds: number): number {
    const { lag, random } = this.#recording;
    return lag.jitter ? Math.round(milliseconds * random.next()) : milliseconds;
  }
}
