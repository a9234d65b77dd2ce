// When a workload called what.
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { Chart } from '../../components/Chart'
import { categoryAxis, zoneName } from '../../components/axes'
import { count, counted } from '../../format'
import type { Schemas } from '../../api/client'
import { columnName, heat, type Cell, type Heat } from './heat'

const narrow = window.matchMedia('(max-width: 860px)')

function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      narrow.addEventListener('change', listener)
      return () => narrow.removeEventListener('change', listener)
    },
    () => narrow.matches,
  )
}

const UNITS: Record<Heat['unit'], string> = { hour: 'Hour', day: 'Day', week: 'Week' }

const ROW_PX = 22
const AROUND_PX = 76

/** What ECharts has of a cell: column, row, logarithm of the calls for the colour, calls, denied. */
type Point = [x: number, y: number, colour: number, calls: number, denied: number]

const point = (cell: Cell): Point => [cell.x, cell.y, Math.log10(cell.calls + 1), cell.calls, cell.denied]

function option(shown: Heat, isNarrow: boolean, colour: (variable: string) => string) {
  const names = shown.times.map((time) => columnName(time, shown.unit))
  return {
    grid: { left: isNarrow ? 112 : 210, right: 12, top: 6, bottom: 64 },
    tooltip: {
      formatter: ({ value }: { value: Point }) =>
        `${shown.actions[value[1]] ?? ''}\n${names[value[0]] ?? ''} UTC (${shown.unit})\n${counted(value[3], 'call')}, ${count(value[4])} denied`,
    },
    xAxis: { ...categoryAxis(colour, names), splitArea: { show: false }, ...zoneName(colour) },
    yAxis: {
      ...categoryAxis(colour, shown.actions),
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
      type: 'continuous',
      dimension: 2,
      min: 0,
      max: Math.max(Math.log10(shown.most + 1), 0.1),
      orient: 'horizontal',
      left: isNarrow ? 8 : 210,
      bottom: 4,
      itemWidth: 10,
      itemHeight: 110,
      hoverLink: false,
      text: [`${counted(shown.most, 'call')} in ${shown.unit === 'hour' ? 'an' : 'a'} ${shown.unit}`, 'none'],
      textStyle: { color: colour('--text-soft'), fontSize: 11 },
      inRange: { color: [colour('--heat-0'), colour('--heat-1')] },
    },
    series: [
      {
        type: 'heatmap',
        encode: { x: 0, y: 1, value: 2 },
        itemStyle: { borderColor: colour('--panel'), borderWidth: 1 },
        emphasis: { itemStyle: { borderColor: colour('--text'), borderWidth: 1 } },
        data: shown.cells.map((cell) => ({
          value: point(cell),
          ...(cell.denied > 0 ? { itemStyle: { borderColor: colour('--bad'), borderWidth: 1.5 } } : {}),
        })),
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
  if (shown === null) {
    return <p className="soft">No call in this time range.</p>
  }
  return (
    <Chart
      label={`Calls by action and ${shown.unit}: ${shown.actions.length} rows, ${shown.times.length} columns`}
      option={chart}
      figures={figures}
      height={shown.actions.length * ROW_PX + AROUND_PX}
    />
  )
}
