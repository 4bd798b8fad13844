import type { ChangeSignal } from '../store/engines/change-signal.ts';

/**
 * Listens from the first listener on until the database is closed. Deliveries listen for moments only: a connection to
 * PostgreSQL for each of them would cost more than one connection that stays.
 */
export function lastingListening(changes: Pick<ChangeSignal, 'listen'>): Pick<ChangeSignal, 'listen'> {
  let isKept = false;
  return {
    listen: (onChange) => {
      if (!isKept) changes.listen(() => undefined);
      isKept = true;
      return changes.listen(onChange);
    },
  };
}
