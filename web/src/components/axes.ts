// Axes that look alike in all charts.
import type { EChartsCoreOption } from 'echarts/core'
import { short } from '../format'

type Colour = (variable: string) => string

/** Room for the name of a time axis, below its labels. */
export const ZONE_ROOM = 14

/** What an axis of times says of its zone, below its end. */
export function zoneName(colour: Colour) {
  return {
    name: 'UTC',
    nameLocation: 'end' as const,
    nameGap: 0,
    nameMoveOverlap: false,
    nameTextStyle: { color: colour('--text-soft'), fontSize: 11, align: 'right' as const, verticalAlign: 'top' as const, padding: [22, 0, 0, 0] },
  }
}

/** An axis of times, which says of what zone they are. The chart makes room for that: see `withZone`. */
export function timeAxis(colour: Colour) {
  return {
    type: 'time' as const,
    ...zoneName(colour),
    axisLine: { lineStyle: { color: colour('--line') } },
    // By itself a new day would be its bare number.
    axisLabel: { color: colour('--text-soft'), hideOverlap: true, fontSize: 11, formatter: { day: '{MM}-{dd}' } },
    splitLine: { show: false },
  }
}

/** The option with more room below a grid whose axis is one of times. Several grids are placed by their chart. */
export function withZone(option: EChartsCoreOption): EChartsCoreOption {
  const { grid, xAxis } = option as { grid?: { bottom?: number }; xAxis?: { type?: string } }
  return xAxis?.type === 'time' && grid !== undefined ? { ...option, grid: { ...grid, bottom: (grid.bottom ?? 0) + ZONE_ROOM } } : option
}

export function valueAxis(colour: Colour, name: string) {
  return {
    type: 'value' as const,
    name,
    nameTextStyle: { color: colour('--text-soft'), align: 'left' as const, fontSize: 11 },
    axisLabel: { color: colour('--text-soft'), formatter: short, fontSize: 11 },
    splitLine: { lineStyle: { color: colour('--line') } },
  }
}

export function categoryAxis(colour: Colour, data: string[]) {
  return {
    type: 'category' as const,
    data,
    axisLine: { lineStyle: { color: colour('--line') } },
    axisTick: { show: false },
    axisLabel: { color: colour('--text-soft'), hideOverlap: true, fontSize: 11 },
  }
}
