// When a workload called what.
import { useCallback, useMemo } from 'react'
import { Chart, Legend } from '../../components/Chart'
import { categoryAxis, ZONE_ROOM, zoneName } from '../../components/axes'
import { count, counted } from '../../format'
import type { Schemas } from '../../api/client'
import { useNarrow } from '../../state/narrow'
import { COLOURS, columnName, heat, stepNames, stepOf, type Cell, type Heat } from './heat'

const UNITS: Record<Heat['unit'], string> = { hour: 'Hour', day: 'Day', week: 'Week' }

const ROW_PX = 22
const AROUND_PX = 46 + ZONE_ROOM
/** With more columns, gaps of two pixels would be wider than the cells between them. */
const MANY = 60

/** What ECharts has of a cell: column, row, its colour, calls, denied. */
type Point = [x: number, y: number, step: number, calls: number, denied: number]

function option(shown: Heat, isNarrow: boolean, colour: (variable: string) => string) {
  const names = shown.times.map((time) => columnName(time, shown.unit))
  const point = (cell: Cell): Point => [cell.x, cell.y, stepOf(shown.steps, cell.calls), cell.calls, cell.denied]
  const isTight = isNarrow || names.length > MANY
  return {
    grid: { left: isNarrow ? 112 : 210, right: 12, top: 6, bottom: 32 + ZONE_ROOM },
    tooltip: {
      formatter: ({ value }: { value: Point }) =>
        `${shown.actions[value[1]] ?? ''}\n${names[value[0]] ?? ''} UTC (${shown.unit})\n${counted(value[3], 'call')}, ${count(value[4])} denied`,
    },
    xAxis: { ...categoryAxis(colour, names), axisLine: { show: false }, ...zoneName(colour) },
    yAxis: {
      ...categoryAxis(colour, shown.actions),
      axisLine: { show: false },
      inverse: true,
      axisLabel: {
        color: colour('--text'),
        fontSize: 11,
        interval: 0,
        width: isNarrow ? 104 : 200,
        overflow: 'truncate',
        // Where there is little room the service is left to the tooltip.
        formatter: (action: string) => (isNarrow ? action.slice(action.indexOf(':') + 1) : action),
      },
    },
    visualMap: {
      show: false,
      seriesIndex: 0,
      dimension: 2,
      min: 0,
      max: COLOURS.length - 1,
      inRange: { color: COLOURS.map(colour) },
    },
    series: [
      {
        type: 'heatmap',
        encode: { x: 0, y: 1, value: 2 },
        // In the colour of the ground: a gap.
        itemStyle: { borderColor: colour('--panel'), borderWidth: isTight ? 1 : 3 },
        emphasis: { itemStyle: { borderColor: colour('--text'), borderWidth: 1 } },
        data: shown.cells.map((cell) => ({ value: point(cell) })),
      },
      {
        // Within the cell, so that those of neighbours stay apart.
        type: 'scatter',
        silent: true,
        symbolSize: isTight ? 4 : 8,
        itemStyle: { color: colour('--bad'), borderColor: colour('--panel'), borderWidth: isTight ? 0.5 : 1.5, opacity: 1 },
        data: shown.cells.filter((cell) => cell.denied > 0).map((cell) => [cell.x, cell.y]),
      },
    ],
  }
}

export function HeatMap({ hours }: { hours: readonly Schemas['WorkloadHour'][] }) {
  const isNarrow = useNarrow()
  const shown = useMemo(() => heat(hours), [hours])
  const chart = useCallback(
    (colour: (variable: string) => string) => (shown === null ? {} : option(shown, isNarrow, colour)),
    [shown, isNarrow],
  )
  const figures = useMemo(
    () => ({
      header: [shown === null ? 'Hour, UTC' : `${UNITS[shown.unit]}, UTC`, 'Action', 'Calls', 'Denied'],
      rows: (shown?.cells ?? [])
        .toSorted((a, b) => a.x - b.x || a.y - b.y)
        .map((cell) => [
          columnName(shown?.times[cell.x] ?? 0, shown?.unit ?? 'hour'),
          shown?.actions[cell.y] ?? '',
          cell.calls,
          cell.denied,
        ]),
    }),
    [shown],
  )
  const legend = useMemo(
    () =>
      shown === null
        ? []
        : [
            ...stepNames(shown).map((name, step) => ({ name: step === 0 ? `${name} ${name === '1' ? 'call' : 'calls'} in ${shown.unit === 'hour' ? 'an' : 'a'} ${shown.unit}` : name, swatch: `heat-${step + 1}` })),
            ...(shown.cells.some((cell) => cell.denied > 0) ? [{ name: 'some were refused', swatch: 'refused' }] : []),
          ],
    [shown],
  )
  if (shown === null) {
    return <p className="soft">No call in this time range.</p>
  }
  return (
    <Chart
      label={`Calls by action and ${shown.unit}: ${shown.actions.length} rows, ${shown.times.length} columns`}
      option={chart}
      figures={figures}
      height={shown.actions.length * ROW_PX + AROUND_PX}
      legend={<Legend series={legend} />}
    />
  )
}
