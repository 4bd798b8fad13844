/** The fields of a message that a webhook's payload can hold. */
export const WEBHOOK_FIELDS = ['date', 'subject', 'from', 'to', 'cc', 'snippet', 'attachments', 'text'] as const;

/** One of {@link WEBHOOK_FIELDS}. */
export type WebhookField = (typeof WEBHOOK_FIELDS)[number];
