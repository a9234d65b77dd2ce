// Calls by action and time, as cells of a heat map.
import type { Schemas } from '../../api/client'
import { count, service } from '../../format'

const HOUR_MS = 3_600_000
/** Widest ranges shown by the hour, and by the day; longer ones are shown by the week. */
const MOST_HOURS = 96
const MOST_DAYS = 120
/** Actions that have a row of their own. */
export const MOST_ACTIONS = 20
export const OTHER = 'other actions'

export interface Cell {
  x: number
  y: number
  calls: number
  denied: number
}

export interface Heat {
  unit: 'hour' | 'day' | 'week'
  /** Begins of the columns, in milliseconds. */
  times: number[]
  /** Rows, the most called first. */
  actions: string[]
  cells: Cell[]
  /** Calls from which on a cell has the first colour, the second and so on. */
  steps: number[]
  most: number
}

/** Colours of cells. */
export const COLOURS = ['--heat-1', '--heat-2', '--heat-3', '--heat-4', '--heat-5'] as const

/** Parts the numbers that there are evenly among the colours: by themselves the most would leave one colour to all others. */
export function stepsOf(calls: readonly number[]): number[] {
  const found = [...new Set(calls)].toSorted((a, b) => a - b)
  const number = Math.min(COLOURS.length, found.length)
  return Array.from({ length: number }, (_, step) => found[Math.floor((step * found.length) / number)] ?? 0)
}

/** Which colour a number of calls has, from 0 on. */
export function stepOf(steps: readonly number[], calls: number): number {
  return Math.max(0, steps.findLastIndex((from) => calls >= from))
}

/** The calls that each colour is for: `1`, `2 to 4`. */
export function stepNames({ steps, most }: Pick<Heat, 'steps' | 'most'>): string[] {
  return steps.map((from, step) => {
    const to = (steps[step + 1] ?? most + 1) - 1
    return to <= from ? count(from) : `${count(from)} to ${count(to)}`
  })
}

type Hour = Schemas['WorkloadHour']

export function actionName(row: { event_source: string | null; event_name: string | null }): string {
  return `${service(row.event_source)}:${row.event_name ?? '–'}`
}

/** Weeks begin on a Monday; the epoch was a Thursday. */
const WEEK_SHIFT_MS = 4 * 24 * HOUR_MS

function widthOf(hours: number): { unit: Heat['unit']; width: number; shift: number } {
  if (hours <= MOST_HOURS) {
    return { unit: 'hour', width: HOUR_MS, shift: 0 }
  }
  return hours <= MOST_DAYS * 24
    ? { unit: 'day', width: 24 * HOUR_MS, shift: 0 }
    : { unit: 'week', width: 7 * 24 * HOUR_MS, shift: WEEK_SHIFT_MS }
}

function topActions(rows: readonly Hour[]): string[] {
  const totals = new Map<string, number>()
  for (const row of rows) {
    totals.set(actionName(row), (totals.get(actionName(row)) ?? 0) + (row.calls ?? 0))
  }
  const sorted = [...totals.entries()].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0], 'en')).map(([name]) => name)
  // A row of its own says more than a row of others that holds one.
  return sorted.length <= MOST_ACTIONS + 1 ? sorted : [...sorted.slice(0, MOST_ACTIONS), OTHER]
}

/** Cells of the hours; null where there are none. */
export function heat(rows: readonly Hour[]): Heat | null {
  const dated = rows.flatMap((row) => (row.hour === null ? [] : [{ row, time: new Date(row.hour).getTime() }]))
  if (dated.length === 0) {
    return null
  }
  const first = dated.reduce((least, { time }) => Math.min(least, time), Infinity)
  const last = dated.reduce((most, { time }) => Math.max(most, time), -Infinity)
  const { unit, width, shift } = widthOf((last - first) / HOUR_MS + 1)
  const begin = Math.floor((first - shift) / width) * width + shift
  const columns = Math.floor((last - begin) / width) + 1
  const actions = topActions(rows)
  const at = new Map(actions.map((name, index) => [name, index]))
  const cells = new Map<number, Cell>()
  for (const { row, time } of dated) {
    const x = Math.floor((time - begin) / width)
    const y = at.get(actionName(row)) ?? actions.length - 1
    const cell = cells.get(y * columns + x) ?? { x, y, calls: 0, denied: 0 }
    cell.calls += row.calls ?? 0
    cell.denied += row.denied ?? 0
    cells.set(y * columns + x, cell)
  }
  const found = [...cells.values()]
  return {
    unit,
    times: Array.from({ length: columns }, (_, index) => begin + index * width),
    actions,
    cells: found,
    steps: stepsOf(found.map((cell) => cell.calls)),
    most: found.reduce((most, cell) => Math.max(most, cell.calls), 0),
  }
}

/** Name of a column: the time in UTC, no finer than the column. */
export function columnName(time: number, unit: Heat['unit']): string {
  const text = new Date(time).toISOString()
  return unit === 'hour' ? `${text.slice(5, 10)} ${text.slice(11, 16)}` : text.slice(0, 10)
}
