import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts the message and the stack of failures into a payload, which the codec encrypts. Loaded by Temporal's SDK: see
 * payload-codec.ts.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
