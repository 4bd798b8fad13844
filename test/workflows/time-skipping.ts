import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';

import { DRIFT_ATTRIBUTE, FAILED_ATTRIBUTE, PHASE_ATTRIBUTE } from '../../src/workflows/search-attributes.ts';

/** Temporal's test server, on which weeks pass in seconds, knowing our search attributes. */
export async function openTimeSkipping(binary: string): Promise<TestWorkflowEnvironment> {
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: binary } },
  });
  // This server knows how to add search attributes, and not how to list them.
  const { INDEXED_VALUE_TYPE_KEYWORD, INDEXED_VALUE_TYPE_INT } = proto.temporal.api.enums.v1.IndexedValueType;
  const searchAttributes = {
    [PHASE_ATTRIBUTE.name]: INDEXED_VALUE_TYPE_KEYWORD,
    [FAILED_ATTRIBUTE.name]: INDEXED_VALUE_TYPE_INT,
    [DRIFT_ATTRIBUTE.name]: INDEXED_VALUE_TYPE_INT,
  };
  await environment.connection.operatorService.addSearchAttributes({
    namespace: environment.client.options.namespace,
    searchAttributes,
  });
  return environment;
}
