import type { Ends } from '../in-folder.ts';
import type { SharedGmail } from './shared-gmail.ts';

/** A program that copies a mailbox. */
export interface Peer {
  readonly name: string;
  /** How it runs and what it keeps, for the table. */
  readonly about: string;
  /** Its first sync alone is measured. */
  readonly onlyFirstSync?: true;
  /** Whether its copy is meant to have a message with these labels. */
  readonly keepsMessage: (labelIds: readonly string[]) => boolean;
  /** Whether its copy is meant to have this label on its messages. */
  readonly keepsLabel: (labelId: string) => boolean;
  /** Whether what it holds of a message is that of the RFC 822 bytes. */
  readonly isBodyOf: (body: Uint8Array, raw: Buffer) => boolean;
  /** Prepares an empty copy. */
  open(place: Place): Promise<MailCopy>;
}

/** Where a copy is made. */
export interface Place {
  /** Of this copy alone. */
  readonly folder: string;
  readonly gmail: SharedGmail;
  /** What the copy closes in the end. */
  readonly ends: Ends;
}

/** One program's copy of the mailbox. */
export interface MailCopy {
  /** Begins to bring the copy up to date, as a user would. */
  sync(): Promise<RunningSync>;
  held(): AsyncIterable<HeldMessage>;
}

export interface RunningSync {
  /** The processes that do the work, by what they are called in the table. */
  readonly processes: Readonly<Record<string, number>>;
  /** Resolves when the copy is up to date or the program has given up; with its exit code. */
  readonly ended: Promise<number>;
  /** Kills the program that talks to Gmail, with SIGKILL. */
  kill(): Promise<void>;
  /** Ends what still runs when the copy is up to date. */
  stop(): Promise<void>;
}

export interface HeldMessage {
  readonly id: string;
  readonly labelIds: readonly string[];
  /** null when the copy has no body of it. */
  readonly body: Uint8Array | null;
}
