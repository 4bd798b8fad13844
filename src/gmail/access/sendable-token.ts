import { z } from 'zod';

/**
 * A token that fits into a header or a form: visible ASCII, as in RFC 6749 (appendix A.12). Any other token (with a
 * line break, for example) is refused on arrival instead of failing every call until it expires.
 */
export const SENDABLE_TOKEN = z.string().regex(/^[\x21-\x7e]{1,8192}$/);
