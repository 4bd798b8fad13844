import { z } from 'zod';

import { bodiesVariables } from './body-variables.ts';
import { databaseVariables } from './database-variables.ts';
import { deploymentVariables } from './deployment-variables.ts';
import { pushVariables } from './push-variables.ts';
import { quotaVariables } from './quota-variables.ts';
import { secretVariables } from './secret-variables.ts';
import { schemasOf, type Variables } from './section.ts';
import { telemetryVariables } from './telemetry-variables.ts';
import { tracingVariables } from './tracing-variables.ts';
import { LOG_LEVELS } from '../model/log-level.ts';
import { OWN_FOLDER } from '../host/private-files.ts';
import { webhookVariables } from './webhook-variables.ts';

const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));

const serviceVariables = {
  TIDEMARK_DATA_DIR: { schema: z.string().default(OWN_FOLDER), expected: 'a directory, for example .tidemark' },
  GMAIL_ROOT_URL: {
    schema: httpUrl.default('https://gmail.googleapis.com'),
    expected: 'an http or https address, for example https://gmail.googleapis.com',
  },
  GOOGLE_TOKEN_URL: {
    schema: httpUrl.default('https://oauth2.googleapis.com/token'),
    expected: 'an http or https address, for example https://oauth2.googleapis.com/token',
  },
  GOOGLE_ADMIN_URL: {
    schema: httpUrl.default('https://admin.googleapis.com'),
    expected: 'an http or https address, for example https://admin.googleapis.com',
  },
  GOOGLE_AUTH_URL: {
    schema: httpUrl.default('https://accounts.google.com/o/oauth2/v2/auth'),
    expected: 'an http or https address, for example https://accounts.google.com/o/oauth2/v2/auth',
  },
  TIDEMARK_TASK_QUEUE: {
    schema: z
      .string()
      .regex(/^[\w.-]{1,200}$/)
      .default('tidemark'),
    expected: 'the name of a task queue of letters, digits, "_", "." and "-", for example tidemark',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS).default('info'),
    expected: `one of ${LOG_LEVELS.join(', ')}, for example info`,
  },
} as const satisfies Variables;

/** Every variable that Tidemark reads, by section. `@temporalio/envconfig` reads Temporal's own `TEMPORAL_*`. */
export const VARIABLES = {
  ...serviceVariables,
  ...databaseVariables,
  ...bodiesVariables,
  ...quotaVariables,
  ...secretVariables,
  ...deploymentVariables,
  ...telemetryVariables,
  ...tracingVariables,
  ...pushVariables,
  ...webhookVariables,
};

export type VariableName = keyof typeof VARIABLES;

/** The names of all variables. */
export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[];

/** The schema of an environment with these variables. */
export const environment = z.object(schemasOf(VARIABLES));
