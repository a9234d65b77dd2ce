// Calls per hour as the API gives them, made into series without holes.
import { PATH_SERIES, pathSeries, type PathSeries } from '../../terms'
import type { Schemas } from '../../api/client'

type Row = Schemas['TimelineRow']

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Up to this length a bar is an hour, beyond it a day. */
const LONGEST_BY_HOUR_MS = 14 * DAY_MS

export interface Series {
  name: PathSeries
  /** Calls, one number for each of the starts. */
  calls: number[]
  total: number
}

export interface Timeline {
  /** Length of one bar in milliseconds. */
  step: number
  /** Begins of the bars, without holes. */
  starts: number[]
  /** Only those that have calls, in the order of stacks. */
  series: Series[]
  calls: number
  denied: number
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS }

/** Milliseconds of a time as the API takes it: RFC 3339, a date, or a time ago such as `-7d`; null where it is none. */
export function moment(text: string | undefined, side: 'from' | 'to', now: number): number | null {
  if (text === undefined) {
    return null
  }
  const relative = /^-(\d+)([smhdw])$/.exec(text)
  if (relative !== null) {
    return now - Number(relative[1]) * (UNIT_MS[relative[2] ?? ''] ?? 0)
  }
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    return null
  }
  // A date as an end includes its day.
  return side === 'to' && /^\d{4}-\d\d-\d\d$/.test(text) ? time + DAY_MS : time
}

/** What the chart spans: the range asked for, as far as the store reaches. */
export function extent(
  rows: readonly Row[],
  asked: { from: number | null; to: number | null },
  store: { first: number | null; last: number | null },
): { from: number; to: number } | null {
  const hours = rows.flatMap((row) => (row.hour === null ? [] : [Date.parse(row.hour)]))
  const first = hours.reduce((least, hour) => Math.min(least, hour), Infinity)
  const last = hours.reduce((most, hour) => Math.max(most, hour), -Infinity)
  const from = asked.from === null ? first : Math.min(first, Math.max(asked.from, store.first ?? first))
  const reaches = store.last ?? last
  // A time asked for as the end is itself not in the range.
  const to = Math.max(last, asked.to !== null ? Math.min(asked.to - 1, reaches) : asked.from !== null ? reaches : last)
  return Number.isFinite(from) && Number.isFinite(to) && from <= to ? { from, to } : null
}

/** Series of calls over the extent: by hour, or by day where that would be too many bars. */
export function timeline(rows: readonly Row[], span: { from: number; to: number } | null): Timeline {
  const none: Timeline = { step: HOUR_MS, starts: [], series: [], calls: 0, denied: 0 }
  if (span === null) {
    return none
  }
  const step = span.to - span.from > LONGEST_BY_HOUR_MS ? DAY_MS : HOUR_MS
  const begin = Math.floor(span.from / step) * step
  const bars = Math.floor((span.to - begin) / step) + 1
  const starts = Array.from({ length: bars }, (_, index) => begin + index * step)
  const calls = new Map<PathSeries, number[]>()
  let denied = 0
  for (const row of rows) {
    const series = pathSeries(row.access_path, row.actor)
    const at = row.hour === null ? -1 : Math.floor((Date.parse(row.hour) - begin) / step)
    if (series === null || at < 0 || at >= bars) {
      continue
    }
    const values = calls.get(series) ?? Array.from({ length: bars }, () => 0)
    values[at] = (values[at] ?? 0) + (row.calls ?? 0)
    calls.set(series, values)
    denied += row.denied ?? 0
  }
  const series = PATH_SERIES.flatMap((name) => {
    const values = calls.get(name)
    return values === undefined ? [] : [{ name, calls: values, total: values.reduce((sum, value) => sum + value, 0) }]
  })
  return { step, starts, series, calls: series.reduce((sum, one) => sum + one.total, 0), denied }
}

/** Where the calls of a series are looked into. */
export function seriesPage(series: PathSeries): { path: string; extra?: Record<string, string> } {
  switch (series) {
    case 'node_role-workload':
      return { path: '/fallbacks' }
    case 'node_role-unknown':
    case 'node_role-node_agent':
      return { path: '/nodes' }
    case 'cluster_role':
    case 'eks_service_linked_role':
      return { path: '/roles' }
    default:
      return { path: '/workloads', extra: { access_path: series } }
  }
}
