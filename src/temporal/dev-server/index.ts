export { ensureTemporalServer, type EnsureTemporalServerOptions, type TemporalServer } from './ensure-temporal-server.ts';
export { findBinary } from './binary.ts';
export { withFileLock } from '../../host/file-lock.ts';
export { startDevServer } from './dev-server.ts';
export { freePort } from './ports.ts';
export { readInstance } from './instance-file.ts';
export { TemporalServerError } from './temporal-server-error.ts';
