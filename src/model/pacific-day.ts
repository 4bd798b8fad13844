/** Google's quotas and bills count days in Pacific time: https://cloud.google.com/apis/docs/capping-api-usage */
const CALENDAR = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});
const HOUR_OF_DAY = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  hour: '2-digit',
  hourCycle: 'h23',
});

const HOUR = 60 * 60_000;

/** The Pacific day of a time (epoch ms), for example `2026-11-22`. */
export function pacificDay(at: number): string {
  return CALENDAR.format(at);
}

/**
 * When the Pacific day of a time ends (epoch ms). Clocks change at 2 o'clock, so each midnight comes once, 23 to 25
 * hours after the last.
 */
export function pacificDayEnd(at: number): number {
  const today = pacificDay(at);
  // Pacific midnight is a full hour in UTC, in summer and in winter.
  let hour = Math.floor(at / HOUR) * HOUR + HOUR;
  const left = 23 - Number(HOUR_OF_DAY.format(at));
  // A clock change today moves midnight by an hour.
  hour += Math.max(0, left - 1) * HOUR;
  while (pacificDay(hour) === today) hour += HOUR;
  return hour;
}
