// What a view shows while it waits, when it has nothing, and when it failed: always with what to do next.
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import { narrowing, useUrlControls } from '../state/url'

export function Loading({ label = 'Loading', lines = 4 }: { label?: string; lines?: number }) {
  return (
    <div className="state" style={{ justifyItems: 'stretch' }} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="skeleton" style={{ width: `${92 - line * 13}%` }} />
      ))}
    </div>
  )
}

/** Nothing to show. Says so, and offers to widen what is asked where the address narrows it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  const [params, set] = useUrlControls()
  const narrowed = narrowing(params)
  return (
    <div className="state">
      <h3>{title}</h3>
      {children}
      {narrowed.length > 0 && (
        <>
          <p className="soft">Only what fits the filters is shown: {narrowed.map((name) => `${name}=${params.get(name)}`).join(', ')}.</p>
          <button type="button" className="button" onClick={() => set(Object.fromEntries(narrowed.map((name) => [name, null])))}>
            Clear filters
          </button>
        </>
      )}
    </div>
  )
}

export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  const api = error instanceof ApiError ? error : null
  return (
    <div className="state error" role="alert">
      <h3>{error.message}</h3>
      {api?.detail !== null && api?.detail !== undefined && <p>{api.detail}</p>}
      <p className="soft">{advice(api)}</p>
      {api?.requestId !== null && api?.requestId !== undefined && (
        <p className="soft small">
          Request <code>{api.requestId}</code>
        </p>
      )}
      {/* What is wrong with a question stays wrong. */}
      {retry !== undefined && api?.status !== 400 && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

function advice(error: ApiError | null): string {
  if (error === null) {
    return 'This is an error of the dashboard itself. Reload the page; the log of the browser has more.'
  }
  if (error.unreachable) {
    return 'Is `podtrail serve` running, and can this browser reach it?'
  }
  switch (error.status) {
    case 400:
      return 'A filter or the time range in the address is not valid. Change it above.'
    case 401:
      return 'Log in with a token.'
    case 403:
      return 'The token does not have the scope for this.'
    case 404:
      return 'Nothing is known of it in this store and time range.'
    case 422:
      return 'It takes more than the service allows one question. Narrow the time range, or choose a cluster.'
    case 503:
      return 'The service is busy, or its store cannot be read now. It says when it is ready at /readyz.'
    case 504:
      return 'It took longer than the service allows. Narrow the time range, or raise its limit.'
    default:
      return 'The log of the service has more under the id of the request.'
  }
}

/** Shows an answer, or why there is none. */
export function Answer<Data>({
  query,
  lines,
  children,
}: {
  query: UseQueryResult<Data, ApiError>
  lines?: number
  children: (data: Data) => ReactNode
}) {
  if (query.error !== null && query.data === undefined) {
    return <Failed error={query.error} retry={() => void query.refetch()} />
  }
  if (query.data === undefined) {
    return <Loading lines={lines ?? 4} />
  }
  return (
    <div aria-busy={query.isFetching}>
      {query.error !== null && <Failed error={query.error} retry={() => void query.refetch()} />}
      {children(query.data)}
    </div>
  )
}
