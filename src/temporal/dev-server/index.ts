export type { EnsureTemporalServerOptions, TemporalServer } from './temporal-server.ts';
export { ensureTemporalServer } from './ensure-temporal-server.ts';
export { findBinary } from './binary.ts';
export { startDevServer, type DevServer } from './dev-server.ts';
export { freePort } from './ports.ts';
export { readInstance } from './instance-file.ts';
export { TemporalServerError } from './temporal-server-error.ts';
