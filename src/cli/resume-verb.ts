import type { Command } from 'commander';

import { RESUMABLE_PHASES, type BlockedPhase } from '../client/blocked-mailbox.ts';
import type { ResumedMailboxes } from '../client/resume-mailboxes.ts';
import { CannotDoError, UsageError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { collect, parseEmail, parseResumablePhase } from './arguments.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { NO_WORKER } from './no-worker.ts';
import { requireHandled } from './require-answerable.ts';
import { count } from './words.ts';

interface ResumeOptions extends VerbOptions {
  readonly all?: boolean;
  readonly phase?: readonly BlockedPhase[];
}

export function addResume(program: Command, cli: Cli): void {
  verb(program, 'resume', {
    examples: ['tidemark resume ada@example.com', 'tidemark resume --phase failed', 'tidemark resume --all'],
  })
    .argument('[email]', 'the mailbox', parseEmail)
    .option(
      '--phase <phase>',
      `every mailbox in this phase: ${RESUMABLE_PHASES.join(', ')}; may be given more than once`,
      collect(parseResumablePhase),
    )
    .option('--all', 'every mailbox in any of these phases')
    .addHelpText(
      'after',
      '\nMany are resumed ten a second, those of other databases in this namespace too. ' +
        'Mailboxes in failed and needs-consent also ask Gmail again by themselves, ever more rarely: ' +
        'tidemark status says when.',
    )
    .action((mailbox: MailboxId | undefined, options: ResumeOptions) => {
      const phases = wantedPhases(mailbox, options);
      return withTidemark(cli, options, async ({ tidemark, out, signal }) => {
        if (phases === null) {
          if (mailbox === undefined) return;
          await tidemark.client.resume(mailbox);
          await requireHandled(tidemark.client, mailbox);
          const { workerAnswered } = await tidemark.client.status(mailbox);
          return out.result({ mailbox, resumed: true }, () =>
            workerAnswered
              ? `${mailbox} is resumed. How it is: tidemark status ${mailbox}`
              : `${mailbox} is asked to go on, and does so once a worker answers. ${NO_WORKER}`,
          );
        }
        const result = await tidemark.client.resumeAll({
          phases,
          signal,
          onResumed: (each, done, of) => out.draws && out.draw(`${count(done)} of ${count(of)}: ${each}`),
        });
        if (out.draws) out.draw('');
        out.result(
          { resumed: result.resumed.length, mailboxes: result.resumed, failing: result.failing, ended: result.ended },
          () => resultLines(result, phases),
        );
        requireAllHandled(result);
      });
    });
}

/** @returns null when the command names one mailbox */
function wantedPhases(
  mailbox: MailboxId | undefined,
  { all = false, phase }: ResumeOptions,
): readonly BlockedPhase[] | null {
  const named = [mailbox !== undefined, all, phase !== undefined].filter(Boolean).length;
  if (named !== 1)
    throw new UsageError(
      'Name one of them: a mailbox by its e-mail address, mailboxes by --phase, or --all. For example: ' +
        'tidemark resume --phase failed',
    );
  return all ? RESUMABLE_PHASES : (phase ?? null);
}

function resultLines(
  { resumed, failing, ended }: ResumedMailboxes,
  phases: readonly BlockedPhase[],
): readonly string[] {
  const stopped =
    ended.length === 0 ? '' : ` ${count(ended.length)} ${ended.length === 1 ? 'was' : 'were'} stopped meanwhile.`;
  if (resumed.length === 0) return [`No mailbox is in ${listed(phases)}.${stopped}`];
  const handled = resumed.filter((mailbox) => !failing.includes(mailbox));
  if (handled.length === 0) return [`No mailbox is resumed.${stopped}`];
  return [
    `${count(handled.length)} ${handled.length === 1 ? 'mailbox is' : 'mailboxes are'} resumed: ` +
      `${shortList(handled)}.${stopped} How they are: tidemark list`,
  ];
}

/** @throws {CannotDoError} when the workflow task of some mailboxes keeps failing, so that their signal waits */
function requireAllHandled({ failing }: ResumedMailboxes): void {
  if (failing.length === 0) return;
  throw new CannotDoError(
    'workflow-task-fails',
    `The workflow task of ${failing.length === 1 ? 'a mailbox' : `${count(failing.length)} mailboxes`} ` +
      `keeps failing: ${shortList(failing)}. The signal to resume waits until that is mended. What to do: ` +
      `tidemark status ${failing.length === 1 ? failing.join() : 'EMAIL'}`,
  );
}

/** `phase failed, needs-consent or paused` */
function listed(phases: readonly BlockedPhase[]): string {
  const last = phases.at(-1) ?? '';
  return `phase ${phases.length < 2 ? last : `${phases.slice(0, -1).join(', ')} or ${last}`}`;
}

const SHOWN = 10;

const shortList = (mailboxes: readonly MailboxId[]): string =>
  mailboxes.length <= SHOWN
    ? mailboxes.join(', ')
    : `${mailboxes.slice(0, SHOWN).join(', ')} and ${count(mailboxes.length - SHOWN)} more (--json names all)`;
