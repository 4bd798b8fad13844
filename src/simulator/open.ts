import type { Clock } from '../model/clock.ts';
import type { PriceTableName } from '../model/prices.ts';
import { generateMail } from './generate.ts';
import { importMail } from './import-mail.ts';
import type { QuotaEnforcement } from './quota.ts';
import { startSimulatorServer } from './server.ts';
import { Simulator } from './simulator.ts';
import type { AuthorizedUser } from './tokens.ts';

export interface OpenSimulatorOptions {
  readonly clock: Clock;
  /** 0 takes a free port of 127.0.0.1. */
  readonly port: number;
  readonly emails: readonly string[];
  /** Generated messages in each mailbox; none where mail is imported. */
  readonly messages: number;
  /** An mbox file or a folder of `.eml` files to import into each mailbox instead. */
  readonly mbox?: string | null | undefined;
  readonly prices?: PriceTableName | undefined;
  readonly quota?: QuotaEnforcement | undefined;
  readonly seed?: number | undefined;
}

export interface OpenSimulator {
  readonly url: string;
  readonly simulator: Simulator;
  readonly mailboxes: readonly { readonly email: string; readonly messages: number; readonly credentials: AuthorizedUser }[];
  close(): Promise<void>;
}

/**
 * A simulator with mail in it, answering over HTTP.
 * @throws {Error} when the port is taken or the mail cannot be read
 */
export async function openSimulator({ clock, port, emails, messages, mbox = null, prices, quota, seed }: OpenSimulatorOptions): Promise<OpenSimulator> {
  const simulator = new Simulator({ clock, prices, quota, seed });
  const mailboxes = [];
  for (const address of emails) {
    const mailbox = simulator.addMailbox(address);
    if (mbox === null) generateMail(mailbox, { messages, now: clock.now(), seed });
    const count = mbox === null ? messages : await importMail({ mailbox, path: mbox });
    mailboxes.push({ email: mailbox.email, messages: count, credentials: simulator.credentialsFor(address) });
  }
  const { url, close } = await startSimulatorServer({ simulator, port });
  return { url, simulator, mailboxes, close };
}
