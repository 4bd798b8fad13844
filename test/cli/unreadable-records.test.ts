import { describe, expect, it } from 'vitest';

import { unreadableWords } from '../../src/cli/unreadable-records.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { webhookSecretsOf } from '../../src/secrets/secret-owner.ts';

describe('records that no key decrypts', () => {
  const ADD = 'Add the key that encrypted them to TIDEMARK_OLD_SECRET_KEYS and run this again, or';

  it('are named with the command that replaces them', () => {
    expect(unreadableWords([mailboxId('ada@example.com')])).toBe(
      `No key decrypts the credentials of ada@example.com. ${ADD} connect the mailbox again: ` +
        'tidemark connect ada@example.com --credentials FILE',
    );
    expect(unreadableWords([webhookSecretsOf('crm')])).toBe(
      `No key decrypts the webhook secrets of crm. ${ADD} make new secrets, which the receiver must learn: ` +
        'tidemark subscribe crm --new-secret --drop-former-secret',
    );
  });

  it('share one remedy of each kind, however many there are', () => {
    const owners = Array.from({ length: 300 }, (_, index) => mailboxId(`user-${index}@example.com`));
    const words = unreadableWords([...owners, webhookSecretsOf('crm'), webhookSecretsOf('erp')]);
    expect(words.length).toBeLessThan(700);
    expect(words).toContain('user-9@example.com and 290 more and the webhook secrets of crm, erp');
    expect(words.match(/tidemark connect/g)).toHaveLength(1);
    expect(words.match(/tidemark subscribe NAME/g)).toHaveLength(1);
  });
});
