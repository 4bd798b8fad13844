import { condition, patched, setHandler } from '@temporalio/workflow';
import { withLists } from '../model/settings-change.ts';
import { configurationEvent } from './configuration-event.ts';
import * as definitions from './definitions.ts';
import { handOverTarget, pokeEvent, rateLimitedEvent, requireNumber } from './handler-arguments.ts';
import type { MailboxRun } from './mailbox-run.ts';
import { isInSync, phaseOf } from './mailbox-state.ts';
import { statusOf } from './status.ts';

/**
 * Registers the handlers of a mailbox's signals, updates and query. Called before the first await. The order matters,
 * because a signal that arrived earlier is handled as soon as its handler is registered, and may cancel work.
 */
export function setHandlers(run: MailboxRun): void {
  handleSignals(run);
  handleResyncs(run);
  handleSyncs(run);
  handleAudits(run);
  setHandler(definitions.status, () => statusOf(run.state));
}

function handleSignals(run: MailboxRun): void {
  setHandler(definitions.poke, (notification) => run.receive(pokeEvent(notification)));
  setHandler(definitions.pause, () => run.receive({ kind: 'paused' }));
  setHandler(definitions.resume, () => run.receive({ kind: 'resumed' }));
  setHandler(definitions.reconnect, () => run.receive({ kind: 'reconnected' }));
  setHandler(definitions.stop, () => run.receive({ kind: 'stop-requested' }));
  setHandler(definitions.handOver, (argument) => {
    const to = run.state.stopping ? null : handOverTarget(argument);
    if (to === null) return;
    run.heir = to;
    run.receive({ kind: 'stop-requested' });
  });
  setHandler(definitions.configure, (change) => {
    const heard = withLists(change);
    // Before this patch, a null list was refused.
    run.receive(configurationEvent(run.state, heard === change || !patched('null-lists') ? change : heard));
  });
  setHandler(definitions.retryFailures, () => run.receive({ kind: 'retry-requested' }));
  setHandler(definitions.deliver, (target) =>
    run.receive({ kind: 'deliver-requested', lane: target === 'webhook' ? 'webhook' : 'delivery' }),
  );
  setHandler(definitions.rateLimited, (wait) => {
    const event = rateLimitedEvent(wait);
    if (event !== null) run.receive(event);
  });
}

function handleResyncs(run: MailboxRun): void {
  setHandler(definitions.forceResync, () => run.receive({ kind: 'resync-requested' }));
  setHandler(definitions.resync, async () => {
    // The generation's number is unknown until the store has been asked.
    await condition(() => run.state.fullSync.kind !== 'unknown' || run.state.stopping, definitions.AWAIT_BOUND);
    run.receive({ kind: 'resync-requested' });
    return { generation: run.state.generation };
  });
  const isComplete = (generation: number): boolean =>
    run.state.completedGeneration >= generation && isInSync(run.state);
  setHandler(definitions.awaitResync, ({ generation }) => reaching(run, () => isComplete(generation)), {
    validator: requireNumber('generation'),
  });
}

function handleSyncs(run: MailboxRun): void {
  setHandler(definitions.sync, () => {
    run.receive({ kind: 'sync-requested' });
    return { sync: run.state.syncs.requested };
  });
  setHandler(definitions.awaitSync, ({ sync }) => reaching(run, () => run.state.syncs.served >= sync), {
    validator: requireNumber('sync'),
  });
}

function handleAudits(run: MailboxRun): void {
  setHandler(definitions.audit, () => {
    run.receive({ kind: 'audit-requested' });
    return { audit: run.state.audits.requested };
  });
  setHandler(definitions.awaitAudit, ({ audit }) => reaching(run, () => run.state.audits.served >= audit), {
    validator: requireNumber('audit'),
  });
}

/** Waits until the mailbox has reached a point, or cannot reach it now, but no longer than AWAIT_BOUND. */
async function reaching(run: MailboxRun, isReached: () => boolean): Promise<definitions.AwaitResult> {
  const isDecided = (): boolean => isReached() || run.state.stopping || run.state.blocked !== null;
  const done = await condition(isDecided, definitions.AWAIT_BOUND);
  const { state } = run;
  return {
    done: done && isReached(),
    phase: phaseOf(state),
    lastError: state.blocked?.message ?? state.lastError?.message ?? null,
    ...(state.blocked?.remedy === undefined ? {} : { remedy: state.blocked.remedy }),
  };
}
