/**
 * What the entry point of PostgreSQL's image does: it fills an empty data folder, runs the scripts of
 * `/docker-entrypoint-initdb.d` on a server that listens only on its socket, and becomes the server.
 * @see https://github.com/docker-library/postgres/blob/master/docker-entrypoint.sh
 */
const ENTRYPOINT = `
set -eu
PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --no-sync --encoding=UTF8 --locale=C --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \\
    --auth-local=trust --auth-host=scram-sha-256 --pgdata="$PGDATA"
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses='' -c unix_socket_directories=$TMPDIR" --wait start
  PGHOST="$TMPDIR" sh /docker-entrypoint-initdb.d/databases.sh
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec "$@" -D "$PGDATA" -c listen_addresses=0.0.0.0 -c "unix_socket_directories=$TMPDIR" -c fsync=off`;

/**
 * The words that run PostgreSQL as its image would run this command. Nothing is synced to disk: no
 * power fails in a test.
 */
export function postgresCommand(command: readonly string[]): string[] {
  // The script is one word. Its paths are translated like those of the Compose file.
  return ['sh', '-c', ENTRYPOINT, 'postgres-image', ...command];
}
