// Preloaded into the process that scripts/run-entry.mjs starts. When the parent dies, even by SIGKILL, the channel to
// it closes. This process then stops as for SIGTERM, and by force if that takes too long.
process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 15_000).unref();
  process.kill(process.pid, 'SIGTERM');
});
// Without this, the listener would keep a finished process alive.
process.channel?.unref();
