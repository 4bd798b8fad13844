import { changeDetails } from './change-details-contract.ts';
import { describe } from 'vitest';
import { attachments } from './attachments-contract.ts';
import { fetching } from './fetching-contract.ts';
import { deliveries } from './deliveries-contract.ts';
import { events } from './events-contract.ts';
import { doubt } from './doubt-contract.ts';
import { buriedBodies } from './buried-bodies-contract.ts';
import { earlyReadings } from './early-readings-contract.ts';
import { labelFilters } from './label-filters-contract.ts';
import { labels } from './labels-contract.ts';
import { finishListing } from './finish-listing-contract.ts';
import type { StoreFixture } from '../../fixtures/store/tested-store.ts';
import { history } from './history-contract.ts';
import { limit } from './limit-contract.ts';
import { listing } from './listing-contract.ts';
import { mailboxes } from './mailboxes-contract.ts';
import { parkedReplays } from './parked-replays-contract.ts';
import { progress } from './progress-contract.ts';
import { readingBack } from './reading-contract.ts';
import { removal } from './removal-contract.ts';
import { renaming } from './renaming-contract.ts';
import { unendedAttempts } from './unended-contract.ts';
import { settingsPreview } from './settings-preview-contract.ts';
import { work } from './work-contract.ts';
import { workLeft } from './work-left-contract.ts';

/** What every database must do: see the TSDoc of MailboxStore. */
export function mailboxStoreContract(fixture: StoreFixture): void {
  describe(`a mailbox store on ${fixture.name}`, () => {
    mailboxes(fixture);
    listing(fixture);
    finishListing(fixture);
    doubt(fixture);
    labels(fixture);
    earlyReadings(fixture);
    buriedBodies(fixture);
    limit(fixture);
    fetching(fixture);
    work(fixture);
    history(fixture);
    readingBack(fixture);
    changeDetails(fixture);
    removal(fixture);
    renaming(fixture);
    attachments(fixture);
    workLeft(fixture);
    progress(fixture);
    deliveries(fixture);
    labelFilters(fixture);
    unendedAttempts(fixture);
    parkedReplays(fixture);
    events(fixture);
    settingsPreview(fixture);
  });
}
