/**
 * The code by which Node, a driver or a client names an error: `ENOENT`, `ERR_OUT_OF_RANGE`, `40001`.
 *
 * @returns undefined when the error has none
 */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The same for a message about a file: `EACCES`. */
export const systemCodeOf = (error: unknown): string => codeOf(error) ?? 'system error';
