// Sums over what was read, and what is missing of it.
import type { Schemas } from '../../api/client'
import { missingDays } from '../overview/words'

type Source = Schemas['IngestionRow']
type Covered = Schemas['CoverageRow']

export interface Totals {
  objects: number
  unreadable: number
  bytes: number
  records: number
  new_events: number
  duplicates: number
  rejected: number
  last_ingested_at: string | null
}

export function totals(rows: readonly Source[]): Totals {
  const sum = (of: (row: Source) => number | null) => rows.reduce((found, row) => found + (of(row) ?? 0), 0)
  const times = rows.flatMap((row) => (row.last_ingested_at === null ? [] : [row.last_ingested_at]))
  return {
    objects: sum((row) => row.objects),
    unreadable: sum((row) => (row.status === 'unreadable' ? row.objects : 0)),
    bytes: sum((row) => row.bytes),
    records: sum((row) => row.records),
    new_events: sum((row) => row.new_events),
    duplicates: sum((row) => row.duplicates),
    rejected: sum((row) => row.rejected),
    last_ingested_at: times.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null,
  }
}

/** Objects by digest status, the most first; null stands for those that were not checked. */
export function byDigest(rows: readonly Source[]): { status: string | null; objects: number }[] {
  const found = new Map<string | null, number>()
  for (const row of rows) {
    // What could not be read says nothing about its digest.
    if (row.status !== 'unreadable') {
      found.set(row.digest_status, (found.get(row.digest_status) ?? 0) + row.objects)
    }
  }
  return [...found].map(([status, objects]) => ({ status, objects })).toSorted((a, b) => b.objects - a.objects)
}

/** Places of trails among what was read: what stands before `AWSLogs` in their folders. */
export function trails(rows: readonly Source[]): string[] {
  const found = rows.flatMap((row) => {
    const place = /^(.+?)\/AWSLogs(?:\/|$)/.exec(row.prefix ?? '')?.[1]
    return place === undefined ? [] : [place]
  })
  return [...new Set(found)]
}

/** Account and region of a trail's folder, and where the trail is; null for other folders. */
export function trailFolder(prefix: string | null): { account: string; region: string; place: string } | null {
  const [, place, account, region] = /^(.+?)\/AWSLogs\/(?:o-[a-z0-9]+\/)?(\d{12})\/CloudTrail\/([a-z0-9-]+)$/.exec(prefix ?? '') ?? []
  return place === undefined || account === undefined || region === undefined ? null : { account, region, place }
}

const DAY_MS = 86_400_000

/** The day of a time, as a number of days. */
function dayOf(time: string): number {
  return Math.floor(Date.parse(time) / DAY_MS)
}

function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

export interface Strip {
  /** Days from the store's first event to its last. */
  days: number
  /** Runs of days alike, from the left. */
  runs: { kind: 'before' | 'events' | 'missing'; from: number; days: number }[]
}

/** First and last day on which the store has any events. */
export function storeDays(rows: readonly Pick<Covered, 'first_event_time' | 'last_event_time'>[]): { first: string; last: string } | null {
  const firsts = rows.flatMap((row) => (row.first_event_time === null ? [] : [dayOf(row.first_event_time)]))
  const lasts = rows.flatMap((row) => (row.last_event_time === null ? [] : [dayOf(row.last_event_time)]))
  if (firsts.length === 0 || lasts.length === 0) {
    return null
  }
  return { first: dayName(firsts.reduce((a, b) => Math.min(a, b))), last: dayName(lasts.reduce((a, b) => Math.max(a, b))) }
}

/** The days of an account and region: before its first event, with events, and without. */
export function strip(row: Pick<Covered, 'first_event_time' | 'missing_days'>, store: { first: string; last: string }): Strip {
  const begin = dayOf(store.first)
  const end = dayOf(store.last) + 1
  const runs: Strip['runs'] = []
  const add = (kind: Strip['runs'][number]['kind'], from: number, to: number) => {
    if (to > from) {
      runs.push({ kind, from: from - begin, days: to - from })
    }
  }
  let at = row.first_event_time === null ? end : dayOf(row.first_event_time)
  add('before', begin, at)
  for (const gap of missingDays(row.missing_days)) {
    const from = dayOf(gap.from)
    add('events', at, from)
    add('missing', from, from + gap.days)
    at = from + gap.days
  }
  add('events', at, end)
  return { days: end - begin, runs }
}

/** A word as it has to be written for a shell. */
export function shell(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** What to run to read the days that are missing of an account and region. */
export function readGaps(row: Pick<Covered, 'recipient_account_id' | 'aws_region' | 'missing_days'>, places: readonly string[]): string | null {
  const gaps = missingDays(row.missing_days)
  const first = gaps[0]
  const last = gaps.at(-1)
  if (first === undefined || last === undefined) {
    return null
  }
  const place = places.find((one) => one.startsWith('s3://'))
  const source = place === undefined ? 's3://BUCKET' : shell(place)
  const where = [row.recipient_account_id === null ? '' : ` --account ${row.recipient_account_id}`, row.aws_region === null ? '' : ` --region ${row.aws_region}`]
  return `podtrail ingest ${source}${where.join('')} --from ${first.from} --to ${last.to}`
}

/** The day before the store begins: from there on the records that issued its oldest sessions can be found. */
export function dayBefore(first: string): string {
  return dayName(dayOf(first) - 1)
}
