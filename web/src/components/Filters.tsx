// Controls for what narrows a page. What they are set to is in the address.
import { useEffect, useId, useState, type ReactNode } from 'react'
import { RANGES, atFullHour, isBackwards, momentText, readMoment } from '../state/time'
import { arnName } from '../format'
import { onLeave, useFilters, useUrlControl, useUrlControls, type FilterName } from '../state/url'
import { Badge } from './basics'

/** The time range, for all pages. */
export function TimeRange() {
  const [params, set] = useUrlControls()
  const from = params.get('from')
  const to = params.get('to')
  const preset = to === null ? RANGES.find((range) => range.from === from) : undefined
  const [custom, setCustom] = useState(false)
  const open = custom || preset === undefined
  return (
    <div className="row time-range">
      <label className="field">
        <span>Time</span>
        <select
          value={open ? 'custom' : (preset?.from ?? '')}
          onChange={(event) => {
            const value = event.target.value
            setCustom(value === 'custom')
            // What was shown is where the choice of times begins.
            set(value === 'custom' ? { from: from === null ? null : atFullHour(from) } : { from: value === '' ? null : value, to: null })
          }}
        >
          {RANGES.map((range) => (
            <option key={range.name} value={range.from ?? ''}>
              {range.name}
            </option>
          ))}
          <option value="custom">From … to … (UTC)</option>
        </select>
      </label>
      {open && (
        <>
          <Moment label="From, UTC" value={from} onSet={(value) => set({ from: value })} />
          <Moment label="To, UTC" value={to} onSet={(value) => set({ to: value })} />
          {isBackwards(from, to) && (
            <p className="wrong" role="alert">
              The range ends before it begins.
            </p>
          )}
        </>
      )}
    </div>
  )
}

/** A field for a time. What is written in it counts when it is left, or by Enter. */
function Moment({ label, value, onSet }: { label: string; value: string | null; onSet: (value: string | null) => void }) {
  const [text, setText] = useState(momentText(value))
  const [seen, setSeen] = useState(value)
  const [isWrong, setWrong] = useState(false)
  const wrong = useId()
  if (seen !== value) {
    // The address changed by other means, such as a choice of a range.
    setSeen(value)
    setText(momentText(value))
    setWrong(false)
  }
  const commit = () => {
    const moment = readMoment(text)
    const empty = text.trim() === ''
    // What stands there from the beginning, the service tells of.
    setWrong(moment === null && !empty && text !== momentText(value))
    if (empty ? value !== null : moment !== null && text !== momentText(value)) {
      setText(momentText(moment))
      onSet(moment)
    }
  }
  return (
    <>
      <label className="field">
        <span className="visually-hidden">{label}</span>
        <input
          type="text"
          className="moment"
          title={`${label}, such as 2026-05-01 12:34`}
          placeholder="YYYY-MM-DD HH:MM"
          autoComplete="off"
          spellCheck={false}
          value={text}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? wrong : undefined}
          onChange={(event) => {
            setText(event.target.value)
            setWrong(false)
          }}
          onBlur={commit}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              commit()
            }
          }}
        />
      </label>
      {isWrong && (
        <p className="wrong" id={wrong} role="alert">
          {label}: write it as 2026-05-01 12:34.
        </p>
      )}
    </>
  )
}

/** A choice among a few values. */
export function Select({
  name,
  label,
  options,
  all = 'All',
}: {
  /** Parameter of the address. */
  name: string
  label: string
  options: readonly { value: string; name: string }[]
  all?: string
}) {
  const [value, set] = useUrlControl(name)
  const known = value === null || options.some((option) => option.value === value)
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value ?? ''} onChange={(event) => set(event.target.value)}>
        <option value="">{all}</option>
        {!known && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Narrows the page while it is ticked. */
export function Toggle({ name, label, title }: { name: string; label: string; title?: string }) {
  const [value, set] = useUrlControl(name)
  return (
    <label className="field" title={title}>
      <input type="checkbox" checked={value !== null} onChange={(event) => set(event.target.checked ? '1' : null)} />
      <span>{label}</span>
    </label>
  )
}

/** Wait after the last key before the address changes. */
const TYPING_MS = 250

/** A text to look for, in the address as `q` unless named otherwise. */
export function TextFilter({ name = 'q', label, placeholder, suggestions }: { name?: string; label: string; placeholder?: string; suggestions?: string[] }) {
  const [value, set] = useUrlControl(name)
  const [text, setText] = useState(value ?? '')
  const [seen, setSeen] = useState(value)
  const list = useId()
  if (seen !== value) {
    // The address changed by other means, such as the button that goes back.
    setSeen(value)
    setText(value ?? '')
  }
  useEffect(() => {
    if (text === (value ?? '')) {
      return undefined
    }
    const timer = window.setTimeout(() => set(text), TYPING_MS)
    // Where a link leads counts, not what was being typed.
    const stay = onLeave(() => {
      window.clearTimeout(timer)
      setText(value ?? '')
    })
    return () => {
      window.clearTimeout(timer)
      stay()
    }
  }, [text, value, set])
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="search"
        value={text}
        placeholder={placeholder}
        list={suggestions === undefined ? undefined : list}
        onChange={(event) => setText(event.target.value)}
      />
      {suggestions !== undefined && (
        <datalist id={list}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  )
}

/** Names of filters that have no control on some pages. */
const NAMES: Partial<Record<FilterName, string>> = {
  service_account: 'Service account',
  role_arn: 'Role',
  account: 'Account',
  region: 'Region',
  actor: 'Made by',
  node: 'Node',
  event_source: 'Service',
}

/** Filters that only a link sets: they have no control on the page, and are said all the same. */
export function LinkFilters({ names }: { names: readonly FilterName[] }) {
  const set = useFilters(names)
  return (
    <>
      {names.map((name) => {
        const value = set[name]
        return value === undefined ? null : (
          <Badge key={name} tone="info" title={value}>
            {NAMES[name] ?? name}: {arnName(value)}
          </Badge>
        )
      })}
    </>
  )
}

/** The bar of a page's filters. */
export function FilterBar({ children }: { children: ReactNode }) {
  // As the address is now: a filter that is not drawn yet is cleared too.
  const [params, set] = useUrlControls()
  // Those of the bar at the top are not the page's.
  const kept = ['from', 'to', 'cluster', 'sort', 'open', 'tab', 'id']
  const own = [...params.keys()].filter((name) => !kept.includes(name) && !name.startsWith('sort_'))
  return (
    <div className="row filters" role="group" aria-label="Filters">
      {children}
      {own.length > 0 && (
        <button type="button" className="button plain small" onClick={() => set(Object.fromEntries(own.map((name) => [name, null])))}>
          Clear filters
        </button>
      )}
    </div>
  )
}

/** Values of a column, sorted, each once: options of a choice. */
export function valuesOf<Row>(rows: readonly Row[] | undefined, value: (row: Row) => string | null | undefined): { value: string; name: string }[] {
  const found = new Set<string>()
  for (const row of rows ?? []) {
    const one = value(row)
    if (one !== null && one !== undefined && one !== '') {
      found.add(one)
    }
  }
  return [...found].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((one) => ({ value: one, name: one }))
}
