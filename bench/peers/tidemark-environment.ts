import type { SharedGmail } from './shared-gmail.ts';

/** The variables of Tidemark's programs. The quota is off for all, so Tidemark does not hold back for it either. */
export function tidemarkEnvironment(folder: string, gmail: SharedGmail): NodeJS.ProcessEnv {
  return {
    TIDEMARK_DATA_DIR: folder,
    GMAIL_ROOT_URL: gmail.url,
    GOOGLE_TOKEN_URL: `${gmail.url}/token`,
    GMAIL_USER_UNITS_PER_MINUTE: '1000000000',
    GMAIL_PROJECT_UNITS_PER_MINUTE: '1000000000',
    LOG_LEVEL: 'warn',
  };
}
