// What people read: times, numbers, and what was said.

/** `1 message`, `4 messages`. */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** How long to wait, in words. */
export function duration(seconds) {
  if (seconds <= 90) return count(Math.max(1, Math.ceil(seconds)), "second");
  if (seconds <= 90 * 60) return `about ${count(Math.round(seconds / 60), "minute")}`;
  return `about ${count(Math.round(seconds / 3600), "hour")}`;
}

/**
 * When something was said: the time, and the day unless it is today.
 * @param {string} at RFC 3339
 */
export function time(at, now = new Date(), locale = undefined) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const options = { hour: "2-digit", minute: "2-digit" };
  if (date.toDateString() !== now.toDateString()) Object.assign(options, { weekday: "short" });
  return new Intl.DateTimeFormat(locale, options).format(date);
}

/**
 * A message as text. Whoever else is in the room may say any JSON, or bytes.
 * @param {{data: unknown, encoding?: string}} message
 */
export function words({ data, encoding }) {
  if (encoding === "base64") return `(not text: ${count(bytes(String(data)), "byte")})`;
  return typeof data === "string" ? data : JSON.stringify(data);
}

const bytes = (base64) => Math.floor((base64.replace(/=+$/, "").length * 3) / 4);

/** One of `hues`, always the same for an id. */
export function hue(id, hues = 6) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.codePointAt(0)) >>> 0;
  return sum % hues;
}

/** The first letter of a name. */
export const initial = (name) => ([...name][0] ?? "?").toUpperCase();

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"], ["curl/", "curl"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];

/** What a `User-Agent` is called by people. */
export function device(userAgent) {
  const named = (names) => names.find(([sign]) => userAgent?.includes(sign))?.[1];
  return [named(BROWSERS) ?? "Some program", named(SYSTEMS)].filter(Boolean).join(" on ");
}
