import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * The client and the worker register these attributes when they start. An operator filters mailboxes by them in the
 * Temporal UI.
 */
export const PHASE_ATTRIBUTE = defineSearchAttributeKey('TidemarkPhase', 'KEYWORD');
/** Messages that could not be fetched. */
export const FAILED_ATTRIBUTE = defineSearchAttributeKey('TidemarkFailedMessages', 'INT');

/** Messages that differed from Gmail at the last audit. */
export const DRIFT_ATTRIBUTE = defineSearchAttributeKey('TidemarkDrift', 'INT');

/**
 * The address that Gmail has for the account, when it is not the mailbox's. Gmail's notifications name this address.
 */
export const ADDRESS_ATTRIBUTE = defineSearchAttributeKey('TidemarkAddress', 'KEYWORD');

export const SEARCH_ATTRIBUTES = [PHASE_ATTRIBUTE, FAILED_ATTRIBUTE, DRIFT_ATTRIBUTE, ADDRESS_ATTRIBUTE] as const;
