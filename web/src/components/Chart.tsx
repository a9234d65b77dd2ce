// A chart, with the same figures as a table for those who do not see it.
import { lazy, Suspense, useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import type { EChartsCoreOption } from 'echarts/core'
import { csv, exact } from '../format'
import { CopyButton, Time } from './basics'
import { Loading } from './states'

const Canvas = lazy(() => import('./ChartCanvas'))

/** A figure, a name or a time; with an address it is a link to what a click in the chart leads to. */
export type Figure = string | number | null | { text: string; to: string } | { time: string }

/** The figures of a chart. What can be clicked in it is a link here: the keyboard does not reach into a canvas. */
export interface Figures {
  header: string[]
  rows: Figure[][]
}

/** A name that leads somewhere, where it is known where to. */
export function linked(text: string, to: string | null): Figure {
  return to === null ? text : { text, to }
}

/** A figure without what it leads to. */
function plain(value: Figure): string | number | null {
  return value === null || typeof value !== 'object' ? value : 'time' in value ? value.time : value.text
}

/** All figures as CSV, with the numbers as they are. */
export function figuresCsv({ header, rows }: Figures): string {
  return csv(
    header,
    rows.map((row) => row.map(plain)),
  )
}

/** Most rows of figures shown below a chart. */
const MOST_FIGURES = 500

export function Chart({
  label,
  option,
  figures,
  height = 280,
  onClick,
  legend,
}: {
  /** What the chart shows, in a sentence. */
  label: string
  /** ECharts' option, from the colours of the theme. */
  option: (colour: (variable: string) => string) => EChartsCoreOption
  figures: Figures
  height?: number
  onClick?: (item: { name: string; seriesName?: string; data: unknown; dataType?: string }) => void
  legend?: ReactNode
}) {
  const [table, setTable] = useState(false)
  return (
    <figure className="section">
      {legend}
      {table ? (
        // Scrollable, so that the keyboard has to reach it.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="table-scroll tall" tabIndex={0} role="region" aria-label={`${label}, as a table`}>
          <table className="table">
            <thead>
              <tr>
                {figures.header.map((name) => (
                  <th key={name} scope="col">
                    <span>{name}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {figures.rows.slice(0, MOST_FIGURES).map((row, index) => (
                // Figures have no key of their own, and their order does not change.
                // oxlint-disable-next-line react/no-array-index-key
                <tr key={index}>
                  {row.map((value, column) => (
                    // oxlint-disable-next-line react/no-array-index-key
                    <td key={column}>
                      <Shown value={value} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {figures.rows.length > MOST_FIGURES && <p className="soft small">The first {MOST_FIGURES} rows.</p>}
        </div>
      ) : (
        <Suspense fallback={<Loading label="Loading chart" />}>
          <Canvas label={label} option={option} height={height} onClick={onClick} />
        </Suspense>
      )}
      <figcaption>
        <button type="button" className="button small plain" onClick={() => setTable(!table)}>
          {table ? 'Show the chart' : 'Show as a table'}
        </button>
        {table && <CopyButton text={() => figuresCsv(figures)} label="Copy CSV" />}
      </figcaption>
    </figure>
  )
}

function Shown({ value }: { value: Figure }) {
  if (value === null) {
    return <>–</>
  }
  if (typeof value !== 'object') {
    return <>{typeof value === 'number' ? exact(value) : value}</>
  }
  return 'time' in value ? <Time value={value.time} /> : <Link to={value.to}>{value.text}</Link>
}

/** Names and colours of a chart's series. */
export function Legend({ series }: { series: readonly { name: string; swatch: string }[] }) {
  return (
    <ul className="legend">
      {series.map((one) => (
        <li key={one.name}>
          <span className={`dot swatch-${one.swatch}`} aria-hidden="true" />
          {one.name}
        </li>
      ))}
    </ul>
  )
}
