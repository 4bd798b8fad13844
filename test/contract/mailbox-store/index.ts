import { describe } from 'vitest';
import { attachments } from './attachments.ts';
import { fetching } from './fetching.ts';
import { doubt } from './doubt.ts';
import { finishListing } from './finish-listing.ts';
import type { StoreFixture } from './fixture.ts';
import { history } from './history.ts';
import { limit } from './limit.ts';
import { listing } from './listing.ts';
import { mailboxes } from './mailboxes.ts';
import { readingBack } from './reading.ts';
import { removal } from './removal.ts';
import { renaming } from './renaming.ts';
import { workLeft } from './work-left.ts';

/** What every database must do: see the TSDoc of MailboxStore. */
export function mailboxStoreContract(fixture: StoreFixture): void {
  describe(`a mailbox store on ${fixture.name}`, () => {
    mailboxes(fixture);
    listing(fixture);
    finishListing(fixture);
    doubt(fixture);
    limit(fixture);
    fetching(fixture);
    history(fixture);
    readingBack(fixture);
    removal(fixture);
    renaming(fixture);
    attachments(fixture);
    workLeft(fixture);
  });
}
