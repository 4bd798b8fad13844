import type { z } from 'zod';

/** One variable of the environment: its schema, and what its value must be, in words and with an example. */
export interface Variable<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  readonly expected: string;
  /** True where the value must never be shown, not even when it is wrong. */
  readonly secret?: true;
}

/** The parameter of a schema's custom issue that says in a few words what is wrong with the value. */
export const TROUBLE = 'trouble';

/**
 * Thrown by a section for a variable that is well formed and yet unusable, such as the path of a file that cannot be
 * read.
 */
export class UnusableVariableError extends Error {
  override readonly name = 'UnusableVariableError';
  readonly variable: string;

  /** @param reason - in a few words */
  constructor(variable: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.variable = variable;
  }
}

/** The variables that a section of the configuration declares. */
export type Variables = Readonly<Record<string, Variable>>;

/** The schemas of a section's variables, by name. */
export type Schemas<Declared extends Variables> = { readonly [Name in keyof Declared]: Declared[Name]['schema'] };

/** The parsed values of a section, once every variable is valid. */
export type Values<Declared extends Variables> = z.output<z.ZodObject<Schemas<Declared>>>;

export function schemasOf<Declared extends Variables>(variables: Declared): Schemas<Declared> {
  return Object.fromEntries(Object.entries(variables).map(([name, { schema }]) => [name, schema])) as Schemas<Declared>;
}
