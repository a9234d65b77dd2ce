// A chart of a statement's rows, by columns that the reader can choose.
import type { EChartsCoreOption } from 'echarts/core'
import { useCallback, useMemo } from 'react'
import { categoryAxis, timeAxis, valueAxis } from '../../components/axes'
import { Chart } from '../../components/Chart'
import { count, exact } from '../../format'
import { useUrlControls } from '../../state/url'
import { PATH_SERIES_COLOUR, pathSeries } from '../../terms'
import type { Row } from '../explain/story'
import { isNumber, isTimeColumn, likely, MOST_BARS, plot, type Choice, type Column } from './chart'

const COLOURS = Object.values(PATH_SERIES_COLOUR)

export function ResultChart({ columns, rows }: { columns: readonly Column[]; rows: Row[] }) {
  const [params, set] = useUrlControls()
  const guess = useMemo(() => likely(columns, rows), [columns, rows])
  const has = (name: string | null) => columns.some((column) => column.name === name)
  const x = params.get('x')
  const y = params.get('y')
  const series = params.get('series')
  const kind = params.get('kind')
  if (guess === null) {
    return <p className="state soft">A chart needs a column with numbers and another for its axis. Add one, such as sum(calls) AS calls.</p>
  }
  const choice: Choice = {
    x: x !== null && has(x) ? x : guess.x,
    y: y !== null && has(y) ? y : guess.y,
    series: series === 'none' ? null : series !== null && has(series) ? series : guess.series,
    kind: kind === 'bar' || kind === 'line' ? kind : guess.kind,
  }
  const numbers = columns.filter(isNumber)
  return (
    <div className="sql-chart">
      <div className="row">
        <Pick label="Axis" value={choice.x} options={columns.map((column) => column.name)} onPick={(value) => set({ x: value })} />
        <Pick label="Figure" value={choice.y} options={numbers.map((column) => column.name)} onPick={(value) => set({ y: value })} />
        <Pick
          label="Series"
          value={choice.series ?? 'none'}
          options={['none', ...columns.filter((column) => column.name !== choice.x && column.name !== choice.y).map((column) => column.name)]}
          onPick={(value) => set({ series: value })}
        />
        <Pick label="As" value={choice.kind} options={['bar', 'line']} onPick={(value) => set({ kind: value })} />
      </div>
      <Drawn rows={rows} choice={choice} time={columns.some((column) => column.name === choice.x && isTimeColumn(column))} />
    </div>
  )
}

function Pick({ label, value, options, onPick }: { label: string; value: string; options: string[]; onPick: (value: string) => void }) {
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onPick(event.target.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Access paths have the colours that they have elsewhere. */
function coloured(name: string, colour: (variable: string) => string): { itemStyle?: { color: string }; lineStyle?: { color: string } } {
  const path = pathSeries(name, 'workload')
  const value = path === null ? null : colour(PATH_SERIES_COLOUR[path])
  return value === null ? {} : { itemStyle: { color: value }, lineStyle: { color: value } }
}

function Drawn({ rows, choice: { x, y, series, kind }, time }: { rows: Row[]; choice: Choice; time: boolean }) {
  const drawn = useMemo(() => plot(rows, { x, y, series, kind }, time), [rows, x, y, series, kind, time])
  // Names of things are read more easily beside bars than below them.
  const beside = !time && kind === 'bar'
  const option = useCallback(
    (colour: (variable: string) => string): EChartsCoreOption => {
      const values = valueAxis(colour, beside ? '' : y)
      const names = { ...categoryAxis(colour, drawn.labels), ...(beside ? { inverse: true, axisLabel: { color: colour('--text-soft'), fontSize: 11, width: 190, overflow: 'truncate' as const } } : {}) }
      return {
        color: COLOURS.map(colour),
        grid: { left: 8, right: 20, top: drawn.series.length > 1 ? 56 : 28, bottom: 8, containLabel: true },
        legend: { show: drawn.series.length > 1, type: 'scroll', top: 0, left: 0, textStyle: { color: colour('--text') }, pageTextStyle: { color: colour('--text') }, pageIconColor: colour('--accent') },
        tooltip: { trigger: 'axis', axisPointer: { type: kind === 'bar' ? 'shadow' : 'line' }, valueFormatter: (value: unknown) => (typeof value === 'number' ? exact(value) : '–') },
        xAxis: beside ? values : time ? timeAxis(colour) : names,
        yAxis: beside ? names : values,
        series: drawn.series.map((one) => ({
          name: one.label,
          type: kind,
          ...coloured(one.name, colour),
          ...(kind === 'bar' ? { stack: 'all', barMaxWidth: 26 } : { showSymbol: drawn.xs.length < 3, connectNulls: false }),
          data: time ? drawn.xs.map((at, index) => [at, one.values[index]]) : one.values,
        })),
      }
    },
    [drawn, y, kind, time, beside],
  )
  return (
    <>
      <Chart label={`${y} by ${x}${series === null ? '' : ` and ${series}`}`} option={option} figures={drawn.figures} height={beside ? Math.max(220, 70 + drawn.xs.length * 24) : 340} />
      {drawn.left > 0 && (
        <p className="soft small">
          The first {MOST_BARS} values of {x} are drawn; {count(drawn.left)} are left out.
        </p>
      )}
    </>
  )
}
