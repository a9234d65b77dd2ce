// What the overview asks, each list on its own: what is quick is shown while the slow is still read.
import { useMemo } from 'react'
import type { UseQueryResult } from '@tanstack/react-query'
import { MOST_ROWS, useApi } from '../../api/queries'
import type { ApiError, Schemas } from '../../api/client'
import { useFilters } from '../../state/url'
import { extent, moment, timeline, type Timeline } from './timeline'
import { useTimeline, type TimelineRows } from './useTimeline'

export interface Overview {
  filters: { from?: string; to?: string; cluster?: string }
  summary: UseQueryResult<Schemas['Summary'], ApiError>
  fallbacks: UseQueryResult<Schemas['Page_FallbackRow'], ApiError>
  readiness: UseQueryResult<Schemas['Page_ReadinessRow'], ApiError>
  coverage: UseQueryResult<Schemas['Page_CoverageRow'], ApiError>
  rows: UseQueryResult<TimelineRows, ApiError>
  timeline: Timeline
}

export function useOverview(): Overview {
  const times = useFilters(['from', 'to'])
  const filters = useFilters(['from', 'to', 'cluster'])
  const cluster = useFilters(['cluster'])
  const readiness = useApi('/api/v1/readiness', { query: { ...cluster, limit: MOST_ROWS } })
  const fallbacks = useApi('/api/v1/fallbacks', { query: { ...filters, limit: MOST_ROWS } })
  const rows = useTimeline(filters)
  const coverage = useApi('/api/v1/coverage', { query: { limit: MOST_ROWS } })
  const summary = useApi('/api/v1/summary', { query: times })
  const covered = coverage.data?.items
  const read = rows.data?.rows
  // Times ago are those of the answer, not of each drawing.
  const now = rows.dataUpdatedAt
  const made = useMemo(() => {
    const found = read ?? []
    const asked = { from: moment(times.from, 'from', now), to: moment(times.to, 'to', now) }
    return timeline(found, extent(found, asked, storeSpan(covered ?? [])))
  }, [read, covered, times, now])
  return { filters, summary, fallbacks, readiness, coverage, rows, timeline: made }
}

/** Whether it is known that no call falls into what is chosen. Calls of no cluster count only where none is chosen. */
export function isWithoutCalls({ filters, rows, summary, fallbacks }: Pick<Overview, 'filters' | 'rows' | 'summary' | 'fallbacks'>): boolean {
  const attributed = rows.data?.rows.length === 0 && fallbacks.data?.items.length === 0
  return attributed && (filters.cluster !== undefined || summary.data?.calls === 0)
}

/** Whether the store has no event, as coverage tells it: accounts of which digests alone are known have rows, too. */
export function isWithoutEvents(coverage: readonly Schemas['CoverageRow'][]): boolean {
  return storeSpan(coverage).last === null
}

/** First and last event of the store. */
export function storeSpan(coverage: readonly Schemas['CoverageRow'][]): { first: number | null; last: number | null } {
  const times = (of: (row: Schemas['CoverageRow']) => string | null) =>
    coverage.flatMap((row) => {
      const time = of(row)
      return time === null ? [] : [Date.parse(time)]
    })
  const firsts = times((row) => row.first_event_time)
  const lasts = times((row) => row.last_event_time)
  return {
    first: firsts.length === 0 ? null : firsts.reduce((a, b) => Math.min(a, b)),
    last: lasts.length === 0 ? null : lasts.reduce((a, b) => Math.max(a, b)),
  }
}
