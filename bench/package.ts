import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, Project, run } from '../scripts/packed-project.ts';
import { load, SimulatorProcess } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';

const RUNS = 5;
const EMAIL = 'ada@package.example';
const MB = 2 ** 20;

interface Cost {
  /** Processor time, user and system, in seconds. */
  readonly seconds: number;
  readonly megabytes: number;
}

/** Is loaded before a program, and prints what it has cost when it ends, on a line of its own. */
const REPORT = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeSync(2, '\\ncost ' + (userCPUTime + systemCPUTime) / 1e6 + ' ' + maxRSS / 1024 + '\\n');
  });
`)}`;

/**
 * The least processor time and the most memory of several runs, after one that fills caches: on a busy machine, other
 * programs can only add to a processor time.
 */
async function costOf(project: Project, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  const costs: Cost[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const { code, stderr } = await project.node(['--import', REPORT, ...args], { env });
    const [, seconds, megabytes] = /^cost (\S+) (\S+)$/m.exec(stderr) ?? [];
    if (code !== 0) throw new InvalidRunError(`${args.join(' ')} ended with ${code}:\n${stderr}`);
    if (run > 0) costs.push({ seconds: Number(seconds), megabytes: Number(megabytes) });
  }
  return {
    seconds: Math.min(...costs.map(({ seconds }) => seconds)),
    megabytes: Math.max(...costs.map(({ megabytes }) => megabytes)),
  };
}

const importing = (specifier: string): readonly string[] => [
  '--input-type=module',
  '--eval',
  `await import('${specifier}'); process.exit();`,
];

function figuresOf(
  name: string,
  { seconds, megabytes }: Cost,
  bounds: { readonly seconds: number | null; readonly megabytes: number | null },
): Figure[] {
  const bound = (value: number | null): Figure['bound'] => (value === null ? null : { is: 'at most', value });
  const note = `least of ${RUNS}; ${load()}`;
  const most = `most of ${RUNS}`;
  return [
    { name: `${name}: processor time`, value: seconds, unit: 's', bound: bound(bounds.seconds), note },
    { name: `${name}: resident memory`, value: megabytes, unit: 'MB', bound: bound(bounds.megabytes), note: most },
  ];
}

async function sizes(tarball: string, project: Project): Promise<Figure[]> {
  const sizeOf = async (...path: readonly string[]): Promise<number> =>
    Number((await run('du', ['-sm', project.module(...path)], { cwd: project.folder })).stdout.split('\t')[0]);
  return [
    { name: 'tarball', value: statSync(tarball).size / MB, unit: 'MB', bound: null },
    {
      name: 'installed in an empty project',
      value: await sizeOf(),
      unit: 'MB',
      bound: { is: 'at most', value: 628 },
      note: `${await sizeOf('googleapis')} MB of it are googleapis; no optional packages`,
    },
  ];
}

export const packageCosts: Bench = {
  name: 'package',
  about: 'what an installed package weighs, and what it costs to import it and to run the command line',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-package-'));
    const server = await startServerIn(folder);
    const gmail = await SimulatorProcess.start(EMAIL, { messages: 10 });
    try {
      const tarball = await pack(join(folder, 'packed'));
      const project = new Project(join(folder, 'product'));
      await project.install(tarball);
      const command = project.module('tidemark', 'bin', 'tidemark.js');
      const env = {
        TEMPORAL_ADDRESS: server.address,
        TIDEMARK_DATA_DIR: join(folder, 'data'),
        GMAIL_ROOT_URL: gmail.url,
        GOOGLE_TOKEN_URL: `${gmail.url}/token`,
      };
      project.write('ada.json', JSON.stringify(await gmail.report(`credentials?email=${EMAIL}`)));
      for (const args of [
        ['connect', EMAIL, '--credentials', 'ada.json'],
        ['start', EMAIL],
      ]) {
        const { code, stderr } = await project.node([command, ...args], { env });
        if (code !== 0) throw new InvalidRunError(stderr);
      }
      return [
        ...(await sizes(tarball, project)),
        ...figuresOf('@temporalio/client', await costOf(project, importing('@temporalio/client')), {
          seconds: null,
          megabytes: null,
        }),
        ...figuresOf("import 'tidemark'", await costOf(project, importing('tidemark')), {
          seconds: 0.35,
          megabytes: 125,
        }),
        ...figuresOf("import 'tidemark/reader'", await costOf(project, importing('tidemark/reader')), {
          seconds: 0.2,
          megabytes: 80,
        }),
        ...figuresOf('tidemark --help', await costOf(project, [command, '--help']), { seconds: 0.15, megabytes: 60 }),
        // What commander finds wrong in the usage of a verb loads the same.
        ...figuresOf('tidemark status --help', await costOf(project, [command, 'status', '--help']), {
          seconds: 0.15,
          megabytes: 60,
        }),
        ...figuresOf('tidemark status', await costOf(project, [command, 'status', EMAIL], env), {
          seconds: 0.5,
          megabytes: null,
        }),
      ];
    } finally {
      gmail.stop();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
