import {
  defaultPayloadConverter,
  type ConverterHint,
  type Payload,
  type PayloadConverter,
  type SerializationContext,
} from '@temporalio/common';
import { inWorkflowContext, workflowInfo } from '@temporalio/workflow';
import { MAILBOX_WORKFLOW } from './definitions.ts';
import { UnreadablePayload } from './unreadable-payload.ts';

/**
 * Temporal's own converter, except that a mailbox reads whatever anybody sends it. Temporal's SDK decodes arguments
 * before any handler sees them. An argument that it cannot decode would fail the workflow task, and again at each
 * attempt, because the signal stays in the history. Here it becomes an {@link UnreadablePayload}, which the handlers
 * treat like any other nonsense.
 *
 * Results of activities are not read so generously: a wrong one must not enter the state. Other workflows of the same
 * bundle, such as a product's own, notice no difference.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  // The interface promises the type that the caller expects, whatever the payload holds.
  fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload, context, hint);
    } catch (error) {
      if (!isSentToMailbox(context)) throw error;
      return new UnreadablePayload(encodingOf(payload)) as T;
    }
  },
};

function isSentToMailbox(context: SerializationContext | undefined): boolean {
  return context?.type === 'workflow' && inWorkflowContext() && workflowInfo().workflowType === MAILBOX_WORKFLOW;
}

function encodingOf({ metadata }: Payload): string {
  const encoding = metadata?.['encoding'];
  return encoding === undefined || encoding === null ? '' : new TextDecoder().decode(encoding);
}
