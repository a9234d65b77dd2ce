import type { EChartsCoreOption } from 'echarts/core'
import type { Schemas } from '../../api/client'
import { timeAxis, valueAxis } from '../../components/axes'
import { count } from '../../format'
import { utcTime } from '../../state/time'

/** Calls of one hour, by whether they were denied. */
export interface HourOfCalls {
  /** Begin, in milliseconds since the epoch. */
  hour: number
  allowed: number
  denied: number
}

const HOUR_MS = 3_600_000

/** Hours of a chart, at most: a bar each, so that a history of years stays one. */
const MOST_HOURS = 24 * 366

/** All hours from the first to the last, also those without calls, unless they are too many. */
export function callsByHour(rows: readonly Pick<Schemas['FallbackHour'], 'hour' | 'calls' | 'denied'>[]): HourOfCalls[] {
  const known = new Map<number, HourOfCalls>()
  for (const { hour, calls, denied } of rows) {
    if (hour !== null) {
      const at = Date.parse(hour)
      known.set(at, { hour: at, allowed: (calls ?? 0) - (denied ?? 0), denied: denied ?? 0 })
    }
  }
  const hours = [...known.keys()].toSorted((a, b) => a - b)
  const [first, last] = [hours[0] ?? 0, hours.at(-1) ?? 0]
  const number = Math.round((last - first) / HOUR_MS) + 1
  const shown = hours.length === 0 || number > MOST_HOURS ? hours : Array.from({ length: number }, (_, at) => first + at * HOUR_MS)
  return shown.map((hour) => known.get(hour) ?? { hour, allowed: 0, denied: 0 })
}

const SERIES = [
  { name: 'Allowed', colour: '--path-node-workload', calls: (hour: HourOfCalls) => hour.allowed },
  { name: 'Denied', colour: '--path-node-unknown', calls: (hour: HourOfCalls) => hour.denied },
]

export function timelineOption(hours: readonly HourOfCalls[]): (colour: (variable: string) => string) => EChartsCoreOption {
  return (colour) => ({
    grid: { left: 8, right: 12, top: 24, bottom: 4, containLabel: true },
    xAxis: timeAxis(colour),
    yAxis: { ...valueAxis(colour, 'calls per hour'), minInterval: 1 },
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      formatter: (items: { seriesName: string; value: [number, number] }[]) =>
        [`${utcTime(items[0]?.value[0] ?? 0)} UTC`, ...items.filter((item) => item.value[1] > 0).map((item) => `${item.seriesName}: ${count(item.value[1])}`)].join('\n'),
    },
    series: SERIES.map(({ name, colour: variable, calls }) => ({
      type: 'bar',
      name,
      stack: 'calls',
      barMaxWidth: 14,
      itemStyle: { color: colour(variable) },
      data: hours.map((hour) => [hour.hour, calls(hour)]),
    })),
  })
}
