import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';

import type { Tidemark } from '../../src/app/open-tidemark.ts';
import type { MailboxReport } from '../../src/client/mailbox-report.ts';
import type { MailboxId } from '../../src/model/ids.ts';
import type { MailboxSettings } from '../../src/model/settings.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { workflowIdOf } from '../../src/workflows/definitions.ts';
import type { Phase } from '../../src/workflows/phase.ts';
import { differences } from '../schedules/compare.ts';
import { eventually } from './eventually.ts';

type History = proto.temporal.api.history.v1.IHistory;

const { WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND } =
  proto.temporal.api.enums.v1.WorkflowTaskFailedCause;
/**
 * Causes for which the server repeats a workflow task although the workflow did not fail: a signal arrived while the
 * task was answered with continue-as-new, or more than a hundred signals arrived during the task.
 */
const GIVEN_ANEW = new Set<unknown>([
  WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
]);

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly history: History;
}

/** What a test mailbox needs of its rig. */
interface Surroundings {
  readonly tidemark: Tidemark;
  connect(box: TestMailbox): Promise<void>;
}

/** A mailbox at all three ends: Gmail, Temporal and the store. */
export class TestMailbox {
  readonly id: MailboxId;
  readonly gmail: SimulatedMailbox;
  readonly settings: MailboxSettings;
  readonly #rig: Surroundings;

  constructor(options: { rig: Surroundings; id: MailboxId; gmail: SimulatedMailbox; settings: MailboxSettings }) {
    this.id = options.id;
    this.gmail = options.gmail;
    this.settings = options.settings;
    this.#rig = options.rig;
  }

  get handle(): WorkflowHandle {
    return this.#rig.tidemark.temporal.workflow.getHandle(workflowIdOf(this.id));
  }

  get client(): Tidemark['client'] {
    return this.#rig.tidemark.client;
  }

  /** Stores the credentials of the mailbox's last grant. */
  connect(): Promise<void> {
    return this.#rig.connect(this);
  }

  async start(): Promise<void> {
    await this.client.start(this.id, this.settings);
  }

  report(): Promise<MailboxReport> {
    return this.client.status(this.id);
  }

  deliver(subject: string, labelIds: readonly string[] = ['INBOX', 'UNREAD']): { id: string; threadId: string } {
    return this.gmail.insert({ raw: `From: bob@example.com\r\nSubject: ${subject}\r\n\r\nhello\r\n`, labelIds });
  }

  /** The ids of the messages that Gmail lists, oldest id first. */
  ids(): string[] {
    return this.gmail.truth().map(({ id }) => id);
  }

  differences(): Promise<string[]> {
    return differences({ stores: this.#rig.tidemark, mailbox: this.id, gmail: this.gmail }, this.settings);
  }

  /**
   * Resolves with the report once the mailbox is in sync and the store equals Gmail. After `within` milliseconds, fails
   * with the differences.
   */
  async exact(within: number): Promise<MailboxReport> {
    let missing: readonly string[] = ['nothing stored'];
    return eventually(
      within,
      async () => {
        const report = await this.report();
        const { inSync, phase, counts } = report;
        // The next sync notices that the database was just deleted.
        missing =
          inSync === true && counts.due === 0 && counts.pending === 0
            ? await this.differences().catch(({ message }: Error) => [message])
            : [`phase ${phase}, ${JSON.stringify(counts)}`];
        return missing.length === 0 ? report : null;
      },
      () => `${this.id}: ${missing.slice(0, 5).join('; ')}`,
    );
  }

  async reaches(phase: Phase, within: number): Promise<MailboxReport> {
    let last: string | null = null;
    return eventually(
      within,
      async () => {
        const report = await this.report();
        last = report.phase;
        return report.phase === phase ? report : null;
      },
      () => `${this.id} is ${last}, not ${phase}`,
    );
  }

  /** Whether an operator's search by phase finds the mailbox. */
  async isFoundAs(phase: Phase): Promise<boolean> {
    const query = `WorkflowId = '${workflowIdOf(this.id)}' AND TidemarkPhase = '${phase}' AND ExecutionStatus = 'Running'`;
    return (await this.#rig.tidemark.temporal.workflow.count(query)).count > 0;
  }

  async historyLength(): Promise<number> {
    return (await this.handle.describe()).historyLength;
  }

  /** Every run of the workflow's current chain, oldest first. */
  async runs(): Promise<Run[]> {
    const { workflow } = this.#rig.tidemark.temporal;
    const runs: Run[] = [];
    let runId: string | null | undefined = (await this.handle.describe()).runId;
    while (runId !== null && runId !== undefined && runId !== '') {
      const history: History = await workflow.getHandle(this.handle.workflowId, runId).fetchHistory();
      runs.unshift({ workflowId: this.handle.workflowId, runId, history });
      runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    }
    return runs;
  }

  /** Failures of the workflow itself, in any of its runs; empty when the workflow runs and never failed. */
  async workflowFailures(): Promise<string[]> {
    const { status } = await this.handle.describe();
    const failures = status.name === 'RUNNING' ? [] : [`the workflow is ${status.name}`];
    for (const { history } of await this.runs()) {
      for (const event of history.events ?? []) {
        const failed = event.workflowTaskFailedEventAttributes;
        if (failed != null && !GIVEN_ANEW.has(failed.cause))
          failures.push(`workflow task failed: ${failed.failure?.message ?? failed.cause}`);
        if (event.workflowExecutionFailedEventAttributes != null) failures.push('the workflow failed');
      }
    }
    return failures;
  }
}
