import { mailboxId } from '../../src/model/ids.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import type { TruthMessage } from '../../src/simulator/truth.ts';
import type { UsageReport } from '../../src/simulator/usage.ts';
import { SimulatorProcess } from '../bench-processes.ts';
import type { Ends } from '../in-folder.ts';

export const EMAIL = mailboxId('ada@example.com');

export interface Truth {
  readonly messages: readonly TruthMessage[];
  readonly labels: readonly { readonly id: string; readonly name: string; readonly type: string }[];
}

/** The one simulated Gmail that all programs copy: the same mail, latency and faults for each. */
export class SharedGmail {
  readonly #simulator: SimulatorProcess;

  private constructor(simulator: SimulatorProcess) {
    this.#simulator = simulator;
  }

  /** @param options.latency - ms that every answer takes, a batch's too */
  static async start(
    options: { readonly messages: number; readonly latency: number },
    ends: Ends,
  ): Promise<SharedGmail> {
    const { messages, latency } = options;
    const simulator = await SimulatorProcess.start(EMAIL, { messages, bodyBytes: 4_096, threadSize: 3 });
    ends.push(() => simulator.stop());
    await simulator.command('answers', { latencyMs: latency });
    return new SharedGmail(simulator);
  }

  get url(): string {
    return this.#simulator.url;
  }

  /** The mailbox's grant, in Google's `authorized_user` form. */
  async credentials(): Promise<string> {
    return JSON.stringify(await this.#simulator.report<object>(`credentials?email=${EMAIL}`));
  }

  usage(): Promise<UsageReport> {
    return this.#simulator.report<UsageReport>('usage');
  }

  forgetUsage(): Promise<void> {
    return this.#simulator.command('usage/reset');
  }

  truth(): Promise<Truth> {
    return this.#simulator.report<Truth>(`truth?email=${EMAIL}&includeSpamTrash=true`);
  }

  /** Changes the mailbox: a command of the control API. */
  change(command: string, fields: object): Promise<void> {
    return this.#simulator.command(command, { email: EMAIL, ...fields });
  }

  /** From now on, this share of all calls fails, half of them with 503 and half with 429. */
  async failCalls(share: number): Promise<void> {
    for (const status of [503, 429])
      await this.#simulator.command('faults', { effect: { kind: 'status', status }, probability: share / 2 });
  }

  endFailures(): Promise<void> {
    return this.#simulator.command('faults/remove');
  }

  /** Waits until the units used since they were last forgotten reach a number, or the signal aborts. */
  async untilUsed(units: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.usage()).units < units) await clock.sleep(10);
  }
}
