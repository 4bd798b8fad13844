/** Handlers and webhooks have a lane each, so that a handler whose program is not there holds up no webhook. */
export type DeliveryLane = 'delivery' | 'webhook';

export const DELIVERY_LANES: readonly DeliveryLane[] = ['delivery', 'webhook'];
