import type { Command } from 'commander';

import type { Finding } from '../doctor/finding.ts';
import { CannotDoError } from '../model/program-errors.ts';
import { adviceOf, withAdvice } from './advice.ts';
import { contextOf, verb, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { counted } from './words.ts';

export function addDoctor(program: Command, cli: Cli): void {
  verb(program, 'doctor', {
    examples: ['tidemark doctor', 'tidemark doctor --json | jq ".findings[] | select(.state != \\"ok\\")"'],
  })
    .addHelpText(
      'after',
      '\nMakes and changes nothing, and calls Gmail without a token only. Exit code 1: something does not work.',
    )
    .action((options: VerbOptions) => doctor(cli, options));
}

async function doctor(cli: Cli, options: VerbOptions): Promise<void> {
  const context = await contextOf(cli, options);
  const { out } = context;
  const findings: Finding[] = [];
  for await (const finding of examineAll(context)) {
    findings.push(finding);
    if (!out.json) out.say(lineOf(finding));
  }
  const faults = findings.filter(({ state }) => state === 'fault').length;
  if (out.json)
    out.result({ findings: findings.map((finding) => ({ ...finding, advice: adviceIn(finding) })) }, () => []);
  if (faults > 0)
    throw new CannotDoError(
      'installation-faulty',
      faults === 1 ? 'One thing does not work: see above.' : `${counted(faults, 'thing')} do not work: see above.`,
    );
}

async function* examineAll({ config, clock, signal }: VerbContext): AsyncGenerator<Finding> {
  const { examine } = await import('../doctor/examine.ts');
  const whole = { database: true, temporal: true };
  for await (const finding of examine({ config, clock, signal })) {
    if (finding.state === 'fault' && finding.part === 'database') whole.database = false;
    if (finding.state === 'fault' && finding.part === 'Temporal') whole.temporal = false;
    yield finding;
  }
  // Without both nothing is known of the mailboxes, and the reason is said above.
  if (!whole.database || !whole.temporal) return;
  const [{ openWithStores }, { examineMailboxes }] = await Promise.all([
    import('../app/open-with-stores.ts'),
    import('./examine-mailboxes.ts'),
  ]);
  const tidemark = await openWithStores({ config, clock, create: false });
  try {
    yield* examineMailboxes(await tidemark.client.list(), clock.now());
  } finally {
    await tidemark.close();
  }
}

const WIDTH = { state: 8, part: 17 };

/** A long name, such as a mailbox's, moves the text. */
const lineOf = ({ state, part, text, remedy }: Finding): string =>
  `${state.padEnd(WIDTH.state)}${part.padEnd(WIDTH.part)}  ${withAdvice(text, remedy)}`;

const adviceIn = ({ remedy }: Finding): string | null => (remedy === null ? null : adviceOf(remedy));
