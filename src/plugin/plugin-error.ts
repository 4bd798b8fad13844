import { TidemarkError } from '../model/tidemark-error.ts';

/** Thrown when `tidemarkPlugin` does not fit the worker or client that it is given to. */
export class PluginError extends TidemarkError {
  override readonly name = 'PluginError';
  readonly code = 'plugin';
}
