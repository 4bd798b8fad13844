import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openTidemark, type Tidemark } from '../../src/app/open-tidemark.ts';
import { Rig } from '../fixtures/system/rig.ts';

describe('what an application opens', () => {
  let rig: Rig;
  let tidemark: Tidemark;
  beforeAll(async () => {
    rig = await Rig.open('application');
    tidemark = await openTidemark({ config: rig.config });
  });
  afterAll(async () => {
    await tidemark.close();
    await rig.close();
  });

  it('has the client, accounts and mail, but not the stores behind them', () => {
    expect(Object.keys(tidemark).sort()).toEqual(
      ['accounts', 'changes', 'client', 'close', 'endOfChanges', 'mailbox', 'mailboxes', 'temporal'].sort(),
    );
  });

  it('connects a mailbox with credentials that Gmail accepts, and with no others', async () => {
    const address = 'connected@example.com';
    rig.simulator.addMailbox(address);
    const credentials = JSON.stringify(rig.simulator.credentialsFor(address));
    expect(await tidemark.accounts.connect(address.toUpperCase(), { credentials })).toEqual({
      address,
      messagesTotal: 0,
    });
    expect(await tidemark.accounts.resolveLabels(address, ['inbox', 'Spam'])).toEqual(['INBOX', 'SPAM']);
    await expect(tidemark.accounts.connect('other@example.com', { credentials })).rejects.toMatchObject({
      code: 'wrong-account',
    });
    await expect(tidemark.accounts.connect(address, { credentials: '{}' })).rejects.toMatchObject({
      code: 'invalid-credentials',
    });
    await expect(tidemark.accounts.connect('nowhere', { credentials })).rejects.toMatchObject({ code: 'invalid-id' });
  });

  it("uses the application's own Temporal client when given one, and leaves it open", async () => {
    const temporal = new Client({ connection: rig.tidemark.temporal.connection });
    const own = await openTidemark({ config: rig.config, temporal });
    expect(own.temporal).toBe(temporal);
    expect(await own.client.hasWorker()).toBe(false);
    await own.close();
    expect(await temporal.workflowService.getSystemInfo({})).toBeDefined();
  });
});
