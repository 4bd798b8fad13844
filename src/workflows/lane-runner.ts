import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { WorkLane } from './lane-scheduler.ts';
import type { MailboxEvent } from './mailbox-event.ts';

interface Listener {
  /** Work has ended with this event. It was cancelled neither by a signal nor together with the workflow. */
  answered(lane: WorkLane, answer: MailboxEvent): void;
  /** Work has ended, by an answer, an error or a cancellation. */
  freed(lane: WorkLane): void;
}

/** Runs the work of each lane in a scope of its own, so that one lane can be cancelled without the others. */
export class LaneRunner {
  readonly #scopes: Record<WorkLane, CancellationScope | null> = {
    live: null,
    backfill: null,
    delivery: null,
    webhook: null,
    events: null,
  };
  readonly #listener: Listener;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  start(lane: WorkLane, work: () => Promise<MailboxEvent>): void {
    const scope = new CancellationScope();
    this.#scopes[lane] = scope;
    // A lane is freed two microtask turns after its answer, as in every recorded history. A timer that fires in between
    // finds the lane busy.
    void scope
      .run(work)
      .then((answer) => {
        if (!scope.consideredCancelled) this.#listener.answered(lane, answer);
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      })
      .finally(() => {
        this.#scopes[lane] = null;
        this.#listener.freed(lane);
      });
  }

  cancel(lanes: readonly WorkLane[]): void {
    for (const lane of lanes) this.#scopes[lane]?.cancel();
  }
}
