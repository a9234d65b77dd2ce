import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { ask, MOST_ROWS } from '../../api/queries'
import type { ApiError, Schemas } from '../../api/client'

/** Pages read at most: years by the hour. Past them the chart says that it is cut. */
const MOST_PAGES = 20

export interface TimelineRows {
  rows: Schemas['TimelineRow'][]
  cut: boolean
}

/** The whole timeline. Its pages begin with the oldest hour, so that the first alone would leave out what is new. */
export function useTimeline(filters: { from?: string; to?: string; cluster?: string }): UseQueryResult<TimelineRows, ApiError> {
  return useQuery<TimelineRows, ApiError>({
    queryKey: ['/api/v1/timeline', 'all pages', filters],
    placeholderData: (before) => before,
    queryFn: async ({ signal }) => {
      const rows: Schemas['TimelineRow'][] = []
      let token: string | null = null
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const next_token: { next_token?: string } = token === null ? {} : { next_token: token }
        // Each page names the next one.
        // oxlint-disable-next-line no-await-in-loop
        const answer: Schemas['Page_TimelineRow'] = await ask('/api/v1/timeline', { query: { ...filters, ...next_token, limit: MOST_ROWS } }, signal)
        rows.push(...answer.items)
        token = answer.next_token ?? null
        if (token === null) {
          return { rows, cut: false }
        }
      }
      return { rows, cut: true }
    },
  })
}
