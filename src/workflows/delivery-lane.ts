/** Handlers and webhooks have a lane each, so that webhooks do not wait for a handler whose program does not run. */
export type DeliveryLane = 'delivery' | 'webhook';

export const DELIVERY_LANES: readonly DeliveryLane[] = ['delivery', 'webhook'];
