// Preloaded into a process that scripts/run-entry.mjs starts: when its parent is gone (SIGKILL lets it say nothing),
// the channel to it closes, and this process stops as for SIGTERM, by force if that takes too long.
process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 15_000).unref();
  process.kill(process.pid, 'SIGTERM');
});
// The listener alone would keep a finished process alive.
process.channel?.unref();
