// The sessions behind a call, from its own back to the first.
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { ApiError } from '../../api/client'
import { ask } from '../../api/queries'
import { rowsOf, story, text, type Row } from './story'

/** Longer chains are cut: AWS lets sessions be chained without end. */
const MOST_HOPS = 8

/** Walks from the session that issued one of the keys, the first known one, to its parents. The first session comes first. */
async function walk(keys: readonly string[], signal: AbortSignal): Promise<Row[]> {
  const found: Row[] = []
  let next = keys
  while (next.length > 0 && found.length < MOST_HOPS) {
    // Each step depends on the one before.
    // oxlint-disable-next-line no-await-in-loop
    const row = await issued(next, signal)
    if (row === null) {
      break
    }
    found.unshift(row)
    const parent = text(row, 'parent_access_key_id')
    next = parent === null ? [] : [parent]
  }
  return found
}

async function issued(keys: readonly string[], signal: AbortSignal): Promise<Row | null> {
  for (const key of keys) {
    try {
      // The next key is asked for only where this one is not known.
      // oxlint-disable-next-line no-await-in-loop
      const told = story(await ask('/api/v1/explain/{id}', { path: { id: key } }, signal))
      const row = rowsOf(told, 'issued to')[0]
      if (row !== undefined) {
        return row
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) {
        throw error
      }
    }
  }
  return null
}

/** `keys`: access keys of the session, the likeliest one first. */
export function useSessions(keys: readonly string[]): UseQueryResult<Row[], ApiError> {
  return useQuery<Row[], ApiError>({
    queryKey: ['sessions behind', ...keys],
    queryFn: ({ signal }) => walk(keys, signal),
    enabled: keys.length > 0,
  })
}
