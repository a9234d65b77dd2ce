// How the rows of a statement become a chart.
import type { Figures } from '../../components/Chart'
import { valueName } from '../../terms'
import type { Row } from '../explain/story'

export interface Column {
  name: string
  type: string
}

export interface Choice {
  x: string
  y: string
  series: string | null
  kind: 'bar' | 'line'
}

const NUMBER = /^(U?Int|Float|Decimal)/

export function isNumber(column: Column): boolean {
  return NUMBER.test(column.type)
}

export function isTimeColumn(column: Column): boolean {
  return column.type.startsWith('Timestamp') || column.type.startsWith('Date')
}

/** What is likely meant: a time or text against the last number, with a second text as series. Null where there is no number. */
export function likely(columns: readonly Column[], rows: readonly Row[]): Choice | null {
  const named = ['calls', 'denied', 'sessions']
  const numbers = columns.filter(isNumber)
  const y = numbers.find((column) => named.includes(column.name)) ?? numbers[0]
  const x = columns.find(isTimeColumn) ?? columns.find((column) => !isNumber(column) && several(column, rows)) ?? columns.find((column) => column !== y)
  if (x === undefined || y === undefined || rows.length === 0) {
    return null
  }
  const time = isTimeColumn(x)
  // A second column is a series where it tells rows with the same x apart, and has few values.
  const repeated = new Set(rows.map((row) => String(row[x.name]))).size < rows.length
  const series = repeated ? columns.find((column) => column !== x && !isNumber(column) && !isTimeColumn(column) && few(column, rows)) : undefined
  return { x: x.name, y: y.name, series: series?.name ?? null, kind: time ? 'line' : 'bar' }
}

function several(column: Column, rows: readonly Row[]): boolean {
  return new Set(rows.map((row) => row[column.name])).size > 1
}

/** Series beyond these are summed up as others. */
export const MOST_SERIES = 8
/** Values of a text axis beyond these are left out, and said. */
export const MOST_BARS = 40

function few(column: Column, rows: readonly Row[]): boolean {
  const size = new Set(rows.map((row) => row[column.name])).size
  return size > 1 && size <= 60
}

export interface Plot {
  xs: string[]
  /** The same with the names that values have on all pages. */
  labels: string[]
  /** `name` is the value, or the column; `label` what it is called. */
  series: { name: string; label: string; values: (number | null)[] }[]
  /** Values of x that are not drawn. */
  left: number
  figures: Figures
}

function label(value: unknown): string {
  return value === null || value === undefined || value === '' ? '–' : typeof value === 'string' ? value : JSON.stringify(value)
}

/** Sums up y by x and series. */
export function plot(rows: readonly Row[], choice: Choice, ordered: boolean): Plot {
  const sums = new Map<string, Map<string, number>>()
  const totals = new Map<string, number>()
  for (const row of rows) {
    const y = Number(row[choice.y])
    if (row[choice.y] === null || Number.isNaN(y)) {
      continue
    }
    const x = label(row[choice.x])
    const name = choice.series === null ? choice.y : label(row[choice.series])
    const of = sums.get(x) ?? new Map<string, number>()
    of.set(name, (of.get(name) ?? 0) + y)
    sums.set(x, of)
    totals.set(name, (totals.get(name) ?? 0) + y)
  }
  const all = ordered ? [...sums.keys()].toSorted() : [...sums.keys()]
  const xs = ordered ? all : all.slice(0, MOST_BARS)
  const names = [...totals.entries()].toSorted(([, a], [, b]) => b - a).map(([name]) => name)
  const kept = names.slice(0, MOST_SERIES)
  const others = names.slice(MOST_SERIES)
  const called = (name: string) => (choice.series === null ? name : valueName(choice.series, name))
  const series = kept.map((name) => ({ name, label: called(name), values: xs.map((x) => sums.get(x)?.get(name) ?? null) }))
  if (others.length > 0) {
    const rest = xs.map((x) => others.reduce((sum, name) => sum + (sums.get(x)?.get(name) ?? 0), 0))
    const name = `${others.length} others`
    series.push({ name, label: name, values: rest })
  }
  const labels = xs.map((x) => valueName(choice.x, x))
  return {
    xs,
    labels,
    series,
    left: all.length - xs.length,
    figures: { header: [choice.x, ...series.map((one) => one.label)], rows: labels.map((x, index) => [x, ...series.map((one) => one.values[index] ?? null)]) },
  }
}
