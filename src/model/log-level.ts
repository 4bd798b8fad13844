/** How much is logged, from least to most; `silent` logs nothing. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** How much is logged, by the names of pino. */
export type LogLevel = (typeof LOG_LEVELS)[number];
