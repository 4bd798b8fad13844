import { WorkflowClient, type Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';

/** How Temporal's SDK writes `undefined`. */
const NOTHING: Payload = { metadata: { encoding: new TextEncoder().encode('binary/null') } };

const unread: PayloadCodec = {
  encode: (payloads) => Promise.resolve(payloads),
  decode: (payloads) => Promise.resolve(payloads.map(() => NOTHING)),
};

/**
 * A client whose lists and descriptions of workflows leave memos unread. Anybody who starts a workflow may give it a
 * memo that the SDK cannot decode, and then the SDK throws for the whole list. Tidemark reads no memo.
 */
export function withoutMemos({ connection, options, workflow }: Client): WorkflowClient {
  return new WorkflowClient({
    connection,
    namespace: options.namespace,
    interceptors: workflow.options.interceptors,
    dataConverter: { payloadCodecs: [unread] },
  });
}
