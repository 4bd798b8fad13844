/** The values of `body_places.sweeps`: whether this database removes objects of a place that no row names. */
export const PLACE_SWEEPS = {
  /** Another database removes them: the one that bodies were moved to, or that they are being moved from. */
  never: 0,
  always: 1,
  /** This database will, once the move to it is done. */
  onceMoved: 2,
} as const;
