// Questions to the API, kept until the service shows a newer snapshot.
import { QueryCache, QueryClient, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useEffect } from 'react'
import { ApiError, answer, client, type GetPath, type Schemas } from './client'
import { isBackwards } from '../state/time'
import { token } from './token'
import type { paths } from '../../generated/schema'

type Answer<P extends GetPath> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Data } } } }
}
  ? Data
  : never

type Parameters<P extends GetPath> = paths[P] extends { get: { parameters: infer Given } } ? Given : never
type QueryOf<P extends GetPath> = Parameters<P> extends { query?: infer Query } ? Query : never
type PathOf<P extends GetPath> = Parameters<P> extends { path: infer Path } ? Path : never

/** What narrows a question: path parameters, and parameters of the query. */
export interface Question<P extends GetPath> {
  path?: PathOf<P>
  query?: QueryOf<P>
}

/** Rows asked for at once: as many as the service gives. */
export const MOST_ROWS = 10_000

const ATTEMPTS = 3

/** A token that expired or was revoked is of no more use: without one, the log-in page shows. */
function forget(error: unknown) {
  if (error instanceof ApiError && error.unauthenticated && token.get() !== null) {
    token.set(null)
  }
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: forget }),
  defaultOptions: {
    queries: {
      staleTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < ATTEMPTS && error instanceof ApiError && (error.status === 503 || error.status === 429),
      retryDelay: (failures, error) =>
        error instanceof ApiError && error.retryAfterSeconds !== null ? error.retryAfterSeconds * 1000 : 500 * 2 ** failures,
    },
  },
})

/** Asks the service; not for a range of times that nothing can lie in, which it would refuse. */
export function ask<P extends GetPath>(path: P, question: Question<P>, signal?: AbortSignal): Promise<Answer<P>> {
  const { from, to } = (question.query ?? {}) as { from?: string; to?: string }
  if (isBackwards(from ?? null, to ?? null)) {
    return Promise.reject(new ApiError(400, 'The time range ends before it begins.'))
  }
  const params = { path: question.path, query: question.query }
  // The types of a path known only as a parameter are beyond the client's overloads; ours are checked at each call.
  const get = client.GET as unknown as (
    path: string,
    init: { params: unknown; signal?: AbortSignal },
  ) => Promise<{ data?: Answer<P>; error?: unknown; response: Response }>
  return answer(get(path, { params, signal }))
}

/**
 * What stays visible while the next answer is fetched: the one of other filters. That of another workload, node or fallback would be
 * taken for this one's.
 */
export function keptAnswer<Data>(path: unknown, before: Data | undefined, keyBefore: readonly unknown[] | undefined): Data | undefined {
  return JSON.stringify(keyBefore?.[1] ?? null) === JSON.stringify(path ?? null) ? before : undefined
}

/** Reads a resource; answers of the last filters stay visible while the next are fetched. */
export function useApi<P extends GetPath>(
  path: P,
  question: Question<P> = {},
  options: { enabled?: boolean } = {},
): UseQueryResult<Answer<P>, ApiError> {
  return useQuery<Answer<P>, ApiError>({
    queryKey: [path, question.path ?? null, question.query ?? null],
    queryFn: ({ signal }) => ask(path, question, signal),
    enabled: options.enabled ?? true,
    placeholderData: (before, query) => keptAnswer(question.path, before, query?.queryKey),
  })
}

/** Whether the reader may run statements; undefined until it is known. Unless the service says otherwise they may: it has the last word. */
export function useMaySql(): boolean | undefined {
  const session = useApi('/api/v1/session')
  return session.isPending ? undefined : session.data === undefined || session.data.scopes.some((scope) => scope === 'sql' || scope === 'admin')
}

const FRESHNESS_MS = 10_000

/** Follows the snapshot in service, and asks everything anew when it changes. */
export function useFreshness(): UseQueryResult<Schemas['Readiness'], ApiError> {
  const readiness = useQuery<Schemas['Readiness'], ApiError>({
    queryKey: ['/readyz'],
    queryFn: ({ signal }) => answer(client.GET('/readyz', { signal })),
    refetchInterval: FRESHNESS_MS,
    staleTime: 0,
    retry: false,
  })
  const pinned = readiness.data?.pinned_at
  useEffect(() => {
    if (pinned !== undefined && lastPinned !== null && lastPinned !== pinned) {
      void queryClient.invalidateQueries({ predicate: (query) => query.queryKey[0] !== '/readyz' })
    }
    lastPinned = pinned ?? lastPinned
  }, [pinned])
  return readiness
}

let lastPinned: string | null = null
