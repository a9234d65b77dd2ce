// How the overview says things.
import type { Schemas } from '../../api/client'
import { counted, json, words } from '../../format'
import { span, utcTime } from '../../state/time'
import { UNKNOWN_POD } from '../../terms'

/** Who a row of fallbacks is about: `namespace/workload`, else the program, else that it is not known. */
export function fallbackName(row: Pick<Schemas['FallbackRow'], 'namespace' | 'service_account' | 'workload' | 'component'>): string {
  const workload = row.workload?.split('/').at(-1) ?? null
  if (row.namespace !== null && workload !== null) {
    return `${row.namespace}/${workload}`
  }
  if (row.namespace !== null && row.service_account !== null) {
    return `${row.namespace}/${row.service_account}`
  }
  return row.component ?? UNKNOWN_POD
}

/** What more there is to say of who it is. */
export function fallbackDetail(row: Pick<Schemas['FallbackRow'], 'cluster' | 'service_account' | 'workload' | 'candidates' | 'namespace'>): string {
  const parts: string[] = []
  const kind = row.workload?.split('/').at(0)
  if (row.workload?.includes('/') === true && kind !== undefined) {
    parts.push(kind)
  }
  if (row.service_account !== null && row.namespace !== null) {
    // Where it has the name of the workload it is not said twice.
    if (!fallbackName({ ...row, component: null }).endsWith(`/${row.service_account}`)) {
      parts.push(`service account ${row.service_account}`)
    }
  } else {
    const candidates = json<unknown[]>(row.candidates)?.length ?? 0
    parts.push(candidates === 0 ? 'no candidates' : counted(candidates, 'candidate'))
  }
  if (row.cluster !== null) {
    parts.push(row.cluster)
  }
  return parts.join(' · ')
}

export type Verdicts = Record<'safe' | 'breaks' | 'unknown', number>

export function verdicts(rows: readonly Pick<Schemas['ReadinessRow'], 'hop_limit_1'>[]): Verdicts {
  const found: Verdicts = { safe: 0, breaks: 0, unknown: 0 }
  for (const row of rows) {
    found[row.hop_limit_1 === 'safe' || row.hop_limit_1 === 'breaks' ? row.hop_limit_1 : 'unknown'] += 1
  }
  return found
}

/** Tells whether all running instances of a node role have hop limit 1 already. */
export function done(row: Pick<Schemas['ReadinessRow'], 'running_instances' | 'closed_instances'>): boolean {
  return (row.running_instances ?? 0) > 0 && (row.closed_instances ?? 0) >= (row.running_instances ?? 0)
}

/** In a sentence or two, how many node roles could switch to hop limit 1 today. */
export function couldSwitch(rows: readonly Pick<Schemas['ReadinessRow'], 'hop_limit_1' | 'running_instances' | 'closed_instances'>[]): string {
  const all = rows.length
  const have = rows.filter(done).length
  const could = rows.filter((row) => row.hop_limit_1 === 'safe' && !done(row)).length
  if (have === all) {
    return all === 1 ? 'The node role has it already.' : `All ${counted(all, 'node role')} have it already.`
  }
  const already = have === 0 ? '' : ` ${have} ${have === 1 ? 'has' : 'have'} it already.`
  if (all === 1) {
    return could === 1 ? 'The node role could switch today.' : 'The node role could not switch today.'
  }
  const who = could === 0 ? `None of the ${counted(all, 'node role')}` : could === all ? `All ${counted(all, 'node role')}` : `${could} of ${counted(all, 'node role')}`
  return `${who} could switch today.${already}`
}

/** Days that are missing, of `FROM..TO` ranges with blanks between. */
export function missingDays(ranges: string | null): { from: string; to: string; days: number }[] {
  return (ranges ?? '').split(/\s+/).flatMap((range) => {
    const [from, to = from] = range.split('..')
    if (from === undefined || to === undefined || from === '') {
      return []
    }
    return [{ from, to, days: Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1 }]
  })
}

/** `2 days missing: 2026-05-02 to 2026-05-03`. */
export function missingWords(ranges: string | null): string | null {
  const gaps = missingDays(ranges)
  if (gaps.length === 0) {
    return null
  }
  const days = gaps.reduce((sum, gap) => sum + gap.days, 0)
  const spans = gaps.map((gap) => (gap.from === gap.to ? gap.from : `${gap.from} to ${gap.to}`))
  return `${counted(days, 'day')} missing: ${spans.join(', ')}`
}

/** Log files that digests say are not as delivered, of the whole store: also those that were never there to be read. */
export function faults(rows: readonly Pick<Schemas['CoverageRow'], 'missing_log_files' | 'altered_log_files'>[]): { missing: number; altered: number } {
  return {
    missing: rows.reduce((sum, row) => sum + (row.missing_log_files ?? 0), 0),
    altered: rows.reduce((sum, row) => sum + (row.altered_log_files ?? 0), 0),
  }
}

/** They in words: `2 log files missing, 1 log file altered, moved or added`; null where there are none. */
export function faultText({ missing, altered }: { missing: number; altered: number }): string | null {
  const parts = [
    ...(missing > 0 ? [`${counted(missing, 'log file')} missing`] : []),
    ...(altered > 0 ? [`${counted(altered, 'log file')} altered, moved or added`] : []),
  ]
  return parts.length === 0 ? null : parts.join(', ')
}

/** A time from one moment to another, in milliseconds. */
export interface Stretch {
  from: number
  to: number
}

/** The times of a list of `FROM..TO` with blanks between, in their order. Trails prove the same time each for itself: it counts once. */
export function stretches(list: string | null): Stretch[] {
  const found = words(list)
    .map((text) => text.split('..'))
    .map(([from, to]) => ({ from: Date.parse(from ?? ''), to: Date.parse(to ?? '') }))
    .filter(({ from, to }) => from < to)
    .toSorted((a, b) => a.from - b.from)
  const joined: Stretch[] = []
  for (const one of found) {
    const last = joined.at(-1)
    if (last !== undefined && one.from <= last.to) {
      last.to = Math.max(last.to, one.to)
    } else {
      joined.push(one)
    }
  }
  return joined
}

/** How long they are together: `11 h`. */
export function lengthWords(list: readonly Stretch[]): string {
  return span(list.reduce((sum, { from, to }) => sum + (to - from) / 1000, 0))
}

/** Each of them, in UTC. */
export function stretchWords(list: readonly Stretch[]): string {
  return `${list.map(({ from, to }) => `${utcTime(from)} to ${utcTime(to)}`).join(', ')} UTC`
}
