// What a page shows is in its address: a link or a reload brings back the same view.
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { useLocation, useSearchParams } from 'react-router'
import { atFullHour } from './time'

/** Names of the filters that many lists share, as in the API. */
export const FILTERS = [
  'cluster',
  'namespace',
  'service_account',
  'account',
  'region',
  'role_arn',
  'access_path',
  'confidence',
  'actor',
  'node',
  'event_source',
] as const
export type FilterName = (typeof FILTERS)[number]

/** Filters of single pages. */
const PAGE_FILTERS = ['cause', 'hop_limit_1', 'kind', 'nodegroup', 'fallbacks', 'shared', 'unused', 'status', 'q'] as const

/** What an address narrows a page by. */
export function narrowing(params: URLSearchParams): string[] {
  return [...FILTERS, ...PAGE_FILTERS, 'from', 'to'].filter((name) => params.has(name))
}

/** Parameters that go along from page to page: what the reader looks at stays the same. */
export const CARRIED = ['from', 'to', 'cluster'] as const

/** The address as it is now. What the last drawing had may be behind it: a change that comes soon after another would undo that one. */
function shownParameters(): URLSearchParams {
  return new URLSearchParams(window.location.search)
}

/** Several values in the address, set at once. */
export function useUrlValues(): [URLSearchParams, (values: Record<string, string | null>) => void] {
  const [params, setParams] = useSearchParams()
  const set = useCallback(
    (values: Record<string, string | null>) => {
      setParams(
        () => {
          const after = shownParameters()
          for (const [name, value] of Object.entries(values)) {
            if (value === null || value === '') {
              after.delete(name)
            } else {
              after.set(name, value)
            }
          }
          return after
        },
        { replace: true, preventScrollReset: true },
      )
    },
    [setParams],
  )
  return [params, set]
}

/** A value in the address; setting it to null or an empty text takes it out. */
export function useUrlValue(name: string): [string | null, (value: string | null) => void] {
  const [params, set] = useUrlValues()
  return [params.get(name), useCallback((value: string | null) => set({ [name]: value }), [name, set])]
}

/** Controls that show the address as it is now. */
const watchers = new Set<() => void>()

/** What waits to be put into the address. */
const waiting = new Set<() => void>()

/** Tells whoever has something to put into the address later when the reader goes elsewhere. */
export function onLeave(tell: () => void): () => void {
  waiting.add(tell)
  return () => {
    waiting.delete(tell)
  }
}

/** Where a router is, and how it came there. */
interface Place {
  historyAction: string
  location: { key: string }
}

/** Tells controls when the address changes, and what waits when it does so by a link or the buttons that go back and forth. */
export function follow(router: { state: Place; subscribe: (tell: (state: Place) => void) => unknown }): void {
  let { key } = router.state.location
  router.subscribe(({ historyAction, location }) => {
    const moved = location.key !== key
    key = location.key
    // Controls replace the address: they stay where they are.
    for (const tell of moved && historyAction !== 'REPLACE' ? [...waiting] : []) {
      tell()
    }
    for (const tell of watchers) {
      tell()
    }
  })
}

function watch(tell: () => void): () => void {
  watchers.add(tell)
  return () => {
    watchers.delete(tell)
  }
}

function address(): string {
  return `${window.location.pathname}${window.location.search}`
}

/** The values of an address, where it is one of the page; null where the reader is on the way to another. */
export function valuesOfPage(given: string, pathname: string): URLSearchParams | null {
  const search = given.startsWith(pathname) ? given.slice(pathname.length) : null
  return search === '' || search?.startsWith('?') === true ? new URLSearchParams(search) : null
}

/**
 * `useUrlValues` for controls: the values that the address has now. Pages are drawn after it, late where there is much to draw, and of
 * several changes the last alone: a control that showed what is drawn would undo what was typed or chosen since.
 */
export function useUrlControls(): [URLSearchParams, (values: Record<string, string | null>) => void] {
  const [drawn, set] = useUrlValues()
  const { pathname } = useLocation()
  const now = useSyncExternalStore(watch, address)
  return [useMemo(() => valuesOfPage(now, pathname) ?? drawn, [now, pathname, drawn]), set]
}

/** One of them. */
export function useUrlControl(name: string): [string | null, (value: string | null) => void] {
  const [params, set] = useUrlControls()
  return [params.get(name), useCallback((value: string | null) => set({ [name]: value }), [name, set])]
}

/** The times and filters in the address, of those that the list takes, ready to be sent. */
export function useFilters<Name extends FilterName | 'from' | 'to'>(names: readonly Name[]): Partial<Record<Name, string>> {
  const [params] = useSearchParams()
  const values = names.map((name) => {
    const value = params.get(name) ?? ''
    return name === 'from' || name === 'to' ? atFullHour(value) : value
  })
  const key = values.join('\u0000')
  return useMemo(() => {
    const found: Partial<Record<Name, string>> = {}
    for (const [index, name] of names.entries()) {
      const value = values[index]
      if (value !== undefined && value !== '') {
        found[name] = value
      }
    }
    return found
    // The values themselves, not the objects that hold them, decide.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key])
}

/** A link to a page that carries on the time range and cluster of this one. */
export function carry(path: string, from: URLSearchParams, extra: Record<string, string | null> = {}): string {
  const params = new URLSearchParams()
  for (const name of CARRIED) {
    const value = from.get(name)
    if (value !== null) {
      params.set(name, value)
    }
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === null || value === '') {
      params.delete(name)
    } else {
      params.set(name, value)
    }
  }
  const query = params.toString()
  return query === '' ? path : `${path}?${query}`
}

/** `carry` for the page shown. */
export function useCarry(): (path: string, extra?: Record<string, string | null>) => string {
  const [params] = useSearchParams()
  return useCallback((path: string, extra?: Record<string, string | null>) => carry(path, params, extra), [params])
}

/** Addresses of this page with some values changed: what `useUrlValues` sets, as links. */
export function useHere(): (values: Record<string, string>) => string {
  const [params] = useSearchParams()
  return useCallback(
    (values: Record<string, string>) => {
      const after = new URLSearchParams(params)
      for (const [name, value] of Object.entries(values)) {
        after.set(name, value)
      }
      return `?${after.toString()}`
    },
    [params],
  )
}
