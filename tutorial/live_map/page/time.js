// Formats times.

// Seconds as text, such as "12 ms" or "3.4 s".
export function duration(seconds) {
  const ms = Math.max(0, seconds * 1000);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
}

// The time since the start of a search, as a column of the page shows it: "1043 ms".
export function offset(seconds) {
  const ms = Math.max(0, seconds * 1000);
  return ms < 10000 ? `${Math.round(ms)} ms` : duration(seconds);
}

// A time of the day with milliseconds. `time` is in seconds since 1970.
export function clock(time) {
  const date = new Date(time * 1000);
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${date.toTimeString().slice(0, 8)}.${ms}`;
}
