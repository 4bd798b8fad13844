import { z } from 'zod';

/**
 * A token of Google's that fits into a header or a form: visible ASCII, as RFC 6749 (appendix A.12) has it. Anything else (a line break) is refused where
 * it arrives, and not kept until it expires.
 */
export const SENDABLE_TOKEN = z.string().regex(/^[\x21-\x7e]{1,8192}$/);
