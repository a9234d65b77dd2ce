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

/** RFC 3339 with seconds from the value of a `datetime-local` field that is read as UTC. */
export function fromField(value: string): string {
  return value === '' ? '' : `${value.length === 16 ? `${value}:00` : value}Z`
}

/** The value of a `datetime-local` field from RFC 3339; empty for anything else. */
export function toField(value: string | null): string {
  if (value === null || !/^\d{4}-\d\d-\d\dT/.test(value)) {
    return ''
  }
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 19)
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
