import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sourceFile } from '../bench-processes.ts';
import type { HeldMessage, MailCopy, Peer, Place, RunningSync } from './peer.ts';
import { runningProgram } from './running-program.ts';
import { EMAIL } from './shared-gmail.ts';

const run = promisify(execFile);

/** A virtual environment here is used, or a Python that the variable names. */
const PYTHON = process.env['PEERS_PYTHON'] ?? sourceFile('.tidemark/peers/bin/python');
const HOW_TO_INSTALL = `lieer is left out, and so is the bound against it. To install it (Debian, Ubuntu):
  apt-get install notmuch python3-notmuch2 python3-venv
  /usr/bin/python3 -m venv --system-site-packages .tidemark/peers
  .tidemark/peers/bin/pip install lieer
Elsewhere: notmuch with its Python bindings (notmuch2), and PEERS_PYTHON=/path/to/a/python that has lieer, too.`;

/** @returns what the machine lacks and how to install it; null when lieer can run */
export function whatLieerLacks(): string | null {
  const lacks: string[] = [];
  if (spawnSync('notmuch', ['--version']).status !== 0) lacks.push('the program notmuch is not in the PATH');
  if (PYTHON.includes('/') && !existsSync(PYTHON)) lacks.push(`there is no ${PYTHON}`);
  else if (spawnSync(PYTHON, ['-c', 'import lieer, notmuch2']).status !== 0)
    lacks.push(`${PYTHON} cannot import both lieer and notmuch2`);
  return lacks.length === 0 ? null : `${lacks.join(', and ')}. ${HOW_TO_INSTALL}`;
}

/** lieer's translation of Gmail's labels; the names of a person's own labels are their tags. */
const LABEL_OF: ReadonlyMap<string, string> = new Map([
  ...['inbox', 'spam', 'trash', 'unread', 'important', 'sent', 'draft', 'chat'].map((tag): [string, string] => [
    tag,
    tag.toUpperCase(),
  ]),
  ['flagged', 'STARRED'],
]);
/** Tags that are no labels: of notmuch's set-up below, and those that notmuch makes and lieer does not compare. */
const NO_LABELS = new Set(['new', 'attachment', 'encrypted', 'signed', 'passed', 'replied']);

/** https://github.com/gauteh/lieer, with its defaults, set up as its README says. */
export const lieer: Peer = {
  name: 'lieer',
  about: 'gmi pull, defaults: raw mail, notmuch indexes its text',
  keepsMessage: () => true,
  keepsLabel: (label) => !label.startsWith('CATEGORY_'),
  isBodyOf: (body, raw) => raw.toString('latin1').replaceAll('\r\n', '\n') === Buffer.from(body).toString('latin1'),
  open: (place) => LieerCopy.open(place),
};

class LieerCopy implements MailCopy {
  readonly #place: Place;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(place: Place) {
    this.#place = place;
    this.#folder = join(place.folder, 'mail', 'account');
    this.#env = {
      PATH: process.env['PATH'],
      HOME: place.folder,
      NOTMUCH_CONFIG: join(place.folder, 'notmuch-config'),
      GMAIL_ROOT_URL: place.gmail.url,
      PYTHONUNBUFFERED: '1',
    };
  }

  static async open(place: Place): Promise<LieerCopy> {
    const copy = new LieerCopy(place);
    await copy.#setUp();
    return copy;
  }

  async sync(): Promise<RunningSync> {
    const log = openSync(join(this.#place.folder, 'lieer.log'), 'a');
    const program = spawn(PYTHON, [sourceFile('bench/peers/lieer-launch.py'), 'pull'], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', log, log],
    });
    return runningProgram(program);
  }

  async *held(): AsyncIterable<HeldMessage> {
    const { labels } = await this.#place.gmail.truth();
    const idOf = new Map([...labels.map(({ id, name }): [string, string] => [name, id]), ...LABEL_OF]);
    const script = [sourceFile('bench/peers/lieer-held.py'), this.#folder];
    const { stdout } = await run(PYTHON, script, { env: this.#env, maxBuffer: 2 ** 28 });
    for (const line of stdout.split('\n').filter(Boolean)) {
      const { id, tags, path } = JSON.parse(line) as { id: string; tags: readonly string[] | null; path: string };
      const labelIds = (tags ?? ['not indexed'])
        .filter((tag) => !NO_LABELS.has(tag))
        .map((tag) => idOf.get(tag) ?? tag);
      yield { id, labelIds, body: readFileSync(path) };
    }
  }

  /** As lieer's README says. What `gmi auth` would leave after a person's consent is the credentials' file. */
  async #setUp(): Promise<void> {
    const { folder, gmail } = this.#place;
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(
      join(folder, 'notmuch-config'),
      `[database]\npath=${join(folder, 'mail')}\n[user]\nname=Ada\nprimary_email=${EMAIL}\n` +
        '[new]\ntags=new\nignore=/.*[.](json|lock|bak)$/\n[maildir]\nsynchronize_flags=true\n',
    );
    await run('notmuch', ['new'], { env: this.#env });
    const script = [sourceFile('bench/peers/lieer-launch.py'), 'init', '--no-auth', EMAIL];
    await run(PYTHON, script, { cwd: this.#folder, env: this.#env });
    writeFileSync(join(this.#folder, '.credentials.gmailieer.json'), await gmail.credentials());
  }
}
