import type { Client, Connection } from '@temporalio/client';
import { NamespaceNotFoundError } from '../client/errors.ts';
import { GRPC_STATUS, grpcCodeOf } from '../client/grpc-error.ts';
import { createRpc, type Rpc } from '../client/rpc.ts';
import { toTidemarkError } from '../client/temporal-errors.ts';
import { hasWorker } from '../client/workers.ts';
import { connectTemporal, temporalAddressOf, temporalClientOf } from '../temporal/connect.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { fault, ok, warning, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

const SERVER = 'Temporal';
const ATTRIBUTES = 'search attributes';
const WORKER = 'worker';

/** The Temporal server, its namespace, the attributes by which mailboxes are filtered, and whether a worker polls. */
export async function* examineTemporal(installation: Installation): AsyncGenerator<Finding> {
  const { config, clock } = installation;
  const { namespace } = config.temporal;
  const address = temporalAddressOf(config);
  const connection = await connectTemporal(config).catch((error: unknown) => fault(SERVER, error));
  if ('state' in connection) {
    yield connection;
    return;
  }
  try {
    const temporal = await temporalClientOf(config, { connection, clock, tracing: null });
    const rpc = createRpc({ temporal, address, clock });
    yield await examineServer(connection, rpc, { address, namespace });
    yield await examineAttributes(connection, rpc, namespace);
    yield await examineWorker(temporal, rpc, installation);
  } catch (error) {
    yield fault(SERVER, toTidemarkError(error, { address, namespace }));
  } finally {
    await connection.close();
  }
}

async function examineServer(
  { workflowService }: Connection,
  rpc: Rpc,
  { address, namespace }: { readonly address: string; readonly namespace: string },
): Promise<Finding> {
  const { serverVersion } = await rpc({}, () => workflowService.getSystemInfo({}));
  try {
    await rpc({}, () => workflowService.describeNamespace({ namespace }));
  } catch (error) {
    const isMissing = grpcCodeOf(error) === GRPC_STATUS.notFound;
    throw isMissing ? new NamespaceNotFoundError(namespace, { cause: error }) : error;
  }
  return ok(SERVER, `${address}, namespace ${namespace}, server ${serverVersion}.`);
}

async function examineAttributes({ operatorService }: Connection, rpc: Rpc, namespace: string): Promise<Finding> {
  try {
    const { customAttributes } = await rpc({}, () => operatorService.listSearchAttributes({ namespace }));
    const missing = SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes?.[name] === undefined);
    if (missing.length === 0) return ok(ATTRIBUTES, `All ${SEARCH_ATTRIBUTES.length} are registered.`);
    const names = missing.map(({ name, type }) => `${name} (${type})`).join(', ');
    return warning(
      ATTRIBUTES,
      `Missing: ${names}. A worker registers them when it starts. If it may not, as in Temporal Cloud, create them: ` +
        'until then no mailbox can show its phase, and its workflow task fails.',
    );
  } catch (error) {
    return warning(ATTRIBUTES, `They cannot be listed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function examineWorker(
  temporal: Client,
  rpc: Rpc,
  { config: { taskQueue }, clock, signal }: Installation,
): Promise<Finding> {
  return (await hasWorker({ temporal, rpc, clock, taskQueue }, signal))
    ? ok(WORKER, `At least one polls the task queue "${taskQueue}".`)
    : fault(WORKER, `None has polled the task queue "${taskQueue}" for a minute, so nothing is synchronised.`, {
        kind: 'run-worker',
      });
}
