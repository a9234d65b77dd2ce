// The frame of every page: where to go, what time range, how fresh.
import { Suspense, useEffect, useRef, useState, type ReactNode } from 'react'
import { NavLink, Outlet, useLocation } from 'react-router'
import { useApi, useFreshness } from '../api/queries'
import { token } from '../api/token'
import { setTheme, useTheme } from '../state/theme'
import { localTime, utcTime } from '../state/time'
import { useCarry } from '../state/url'
import { Age, Time } from './basics'
import { TimeRange, Select, valuesOf } from './Filters'
import { PAGES, pageName, Search } from './Search'
import { Loading } from './states'

export function Shell() {
  const [searching, setSearching] = useState(false)
  const [menu, setMenu] = useState(false)
  const main = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  const carried = useCarry()
  const readiness = useApi('/api/v1/readiness')

  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      // With Shift it is the browser's own.
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setSearching(true)
      }
    }
    window.addEventListener('keydown', keys)
    return () => window.removeEventListener('keydown', keys)
  }, [])

  // In a narrow window the open menu lies over the page, and over the button that opened it.
  const side = useRef<HTMLElement>(null)
  const menuButton = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!menu) {
      return undefined
    }
    side.current?.querySelector('a')?.focus()
    const escape = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        setMenu(false)
        menuButton.current?.focus()
      }
    }
    const beside = ({ target }: PointerEvent) => {
      const within = (element: HTMLElement | null) => target instanceof Node && element?.contains(target) === true
      // The button closes it by itself.
      if (!within(side.current) && !within(menuButton.current)) {
        setMenu(false)
      }
    }
    window.addEventListener('keydown', escape)
    window.addEventListener('pointerdown', beside)
    return () => {
      window.removeEventListener('keydown', escape)
      window.removeEventListener('pointerdown', beside)
    }
  }, [menu])

  const first = useRef(true)
  useEffect(() => {
    document.title = `${pageName(pathname) ?? 'No such page'} · podtrail`
    // Readers of the screen are told of the new page; the first one they come to by themselves.
    if (first.current) {
      first.current = false
    } else {
      main.current?.focus()
      window.scrollTo(0, 0)
    }
  }, [pathname])

  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <div className="shell">
        <aside className="side" id="menu" data-open={menu} ref={side}>
          <NavLink className="brand" to={carried('/')} aria-label="podtrail, overview">
            <img src="/favicon.svg" alt="" width={24} height={24} />
            podtrail
          </NavLink>
          <nav aria-label="Pages">
            {PAGES.map((page) => (
              <NavLink key={page.path} to={carried(page.path)} end={page.path === '/'} onClick={() => setMenu(false)}>
                {page.name}
              </NavLink>
            ))}
          </nav>
          <SideFoot />
        </aside>
        <div className="page">
          <Freshness />
          <header className="top">
            <button ref={menuButton} type="button" className="button menu-button" aria-expanded={menu} aria-controls="menu" onClick={() => setMenu(!menu)}>
              Menu
            </button>
            <TimeRange />
            <Select name="cluster" label="Cluster" options={valuesOf(readiness.data?.items, (row) => row.cluster)} />
            <span className="spring" />
            <button type="button" className="button" onClick={() => setSearching(true)}>
              Search <kbd>Ctrl K</kbd>
            </button>
          </header>
          <main id="main" tabIndex={-1} ref={main}>
            <Suspense fallback={<Loading label="Loading page" lines={8} />}>
              <Outlet />
            </Suspense>
          </main>
        </div>
      </div>
      {searching && <Search onClose={() => setSearching(false)} />}
    </>
  )
}

/** Says when what is shown is not the newest there is. */
function Freshness(): ReactNode {
  const readiness = useFreshness()
  if (readiness.error?.unreachable === true) {
    return (
      <div className="banner bad" role="status">
        The service does not answer; what is shown may be old. It is asked again every 10 s.
      </div>
    )
  }
  if (readiness.error?.status === 503) {
    return (
      <div className="banner" role="status">
        The service is starting: it still reads the store, and first answers take longer. This goes away by itself.
      </div>
    )
  }
  const since = readiness.data?.stale_since
  return since === null || since === undefined ? null : (
    <div className="banner" role="status">
      The store cannot be read since <Time value={since} /> UTC: the last good snapshot is shown.
    </div>
  )
}

function SideFoot() {
  const theme = useTheme()
  const readiness = useFreshness()
  return (
    <div className="side-foot">
      {readiness.data !== undefined && (
        <span title={`What is shown was read from the store at ${utcTime(readiness.data.pinned_at)} UTC, ${localTime(readiness.data.pinned_at)} (local)`}>
          Snapshot of <Age value={readiness.data.pinned_at} />
        </span>
      )}
      <a href="/docs">API reference</a>
      <button type="button" className="button small" onClick={() => setTheme(theme === 'dark' ? 'light' : 'dark')}>
        {theme === 'dark' ? 'Light theme' : 'Dark theme'}
      </button>
      {token.get() !== null && (
        <button type="button" className="button small" onClick={() => token.set(null)}>
          Log out
        </button>
      )}
    </div>
  )
}
