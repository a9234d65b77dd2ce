// Times of the API are RFC 3339 in UTC, and shown as UTC; the reader's own zone is in the tooltip.

const utc = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'UTC',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** `2026-05-01 12:34:56`, in UTC. */
export function utcTime(time: string | number | Date): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : utc.format(date)
}

/** The same in the reader's zone, with its name. */
export function localTime(time: string | number | Date): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime())
    ? String(time)
    : new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'long' }).format(date)
}

const STEPS: [number, string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** A length of time by its largest unit: `3 d`, `5 h`, `12 min`, `8 s`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  for (const [size, name] of STEPS) {
    if (whole >= size) {
      return `${Math.floor(whole / size)} ${name}`
    }
  }
  return '0 s'
}

/** How long ago, as text: `5 min ago`. */
export function ago(time: string, now: number = Date.now()): string {
  return `${span((now - new Date(time).getTime()) / 1000)} ago`
}

/** Time ranges offered: the text of `from`, relative to now, and its name. */
export const RANGES: readonly { from: string | null; name: string }[] = [
  { from: null, name: 'All time' },
  { from: '-1h', name: 'Last hour' },
  { from: '-24h', name: 'Last 24 hours' },
  { from: '-7d', name: 'Last 7 days' },
  { from: '-30d', name: 'Last 30 days' },
  { from: '-90d', name: 'Last 90 days' },
]

const WRITTEN = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?)? ?(?:Z|UTC)?$/i
const AGO = /^-(\d+)([smhdw])$/
const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
/** A date, or RFC 3339: browsers read much else as a time, and the service does not. */
const EXACT = /^\d{4}-\d\d-\d\d(?:T.+(?:Z|[+-]\d\d:\d\d))?$/i

/**
 * A time as people write it, for the address: `2026-05-01 12:34` in UTC, with seconds or without, as RFC 3339; a date or a time ago
 * such as `-36h` as it is. Null for a text that is no time.
 */
export function readMoment(text: string): string | null {
  const written = text.trim()
  if (AGO.test(written)) {
    return written
  }
  const [, day, minute, second = '00'] = WRITTEN.exec(written) ?? []
  if (day === undefined) {
    return null
  }
  const time = `${day}T${minute ?? '00:00'}:${second}Z`
  const date = new Date(time)
  // The 30th of February would be taken for a day of March.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== time.replace('Z', '.000Z')) {
    return null
  }
  return minute === undefined ? day : time
}

/** The text of a field for a time in the address: no finer than it has to be. What is no time stays as it is. */
export function momentText(value: string | null): string {
  if (value === null || !/^\d{4}-\d\d-\d\dT/.test(value)) {
    return value ?? ''
  }
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? value : date.toISOString().slice(0, 19).replace('T', ' ').replace(/:00$/, '')
}

/**
 * Whether a range ends before it begins, so that nothing can be in it; of times as they are asked for. A date as its end includes its
 * day. What is no time is left to the service.
 */
export function isBackwards(from: string | null, to: string | null, now: number = Date.now()): boolean {
  const whole = /^\d{4}-\d\d-\d\d$/.test(to ?? '') ? 24 * HOUR_MS : 0
  return timeOf(from, now) >= timeOf(to, now) + whole
}

/** A time of the address in milliseconds; NaN for none, and for what is no time. */
function timeOf(value: string | null, now: number): number {
  const asked = atFullHour(value ?? '', now)
  const [, number, unit] = AGO.exec(asked) ?? []
  if (number !== undefined) {
    return now - Number(number) * (UNITS_MS[unit ?? ''] ?? Number.NaN)
  }
  return EXACT.test(asked) ? Date.parse(asked) : Number.NaN
}

const HOUR_MS = 3_600_000

/**
 * A bound of time as it is asked for: a time ago of an hour or more begins at a full hour, so that the service answers from sums
 * per hour, and the same question gets the same answer until the hour is over. Anything else is left to the service.
 */
export function atFullHour(value: string, now: number = Date.now()): string {
  const found = /^-(\d+)([hd])$/.exec(value)
  if (found === null) {
    return value
  }
  const hours = Number(found[1]) * (found[2] === 'd' ? 24 : 1)
  const time = new Date(Math.floor(now / HOUR_MS - hours) * HOUR_MS)
  return Number.isNaN(time.getTime()) ? value : time.toISOString().replace('.000Z', 'Z')
}
