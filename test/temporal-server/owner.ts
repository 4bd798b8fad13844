// A process that owns or joins a Temporal server and waits: tests kill it. It prints one line of JSON when the server
// answers.
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { ensureTemporalServer, readInstance } from '../../src/temporal/dev-server/index.ts';

const [dataDir = ''] = process.argv.slice(2);
const server = await ensureTemporalServer({
  dataDir,
  connection: { address: null, namespace: 'default', options: {} },
  log: (line) => console.error(line),
  clock,
  ports: { frontend: 0, ui: 0 },
});
console.log(JSON.stringify({ address: server.address, owned: server.owned, pid: readInstance(dataDir)?.pid }));
process.on('SIGTERM', () => {
  void server.stop().then(() => process.exit(0));
});
