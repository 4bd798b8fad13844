import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts the message and stack of a failure into a payload, which the codec encrypts. Temporal's SDK loads this module:
 * see payload-codec.ts.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
