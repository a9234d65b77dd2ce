import type { EChartsCoreOption } from 'echarts/core'
import type { Schemas } from '../../api/client'
import { timeAxis, valueAxis } from '../../components/axes'
import { count } from '../../format'
import { utcTime } from '../../state/time'
import { PATH_SERIES, PATH_SERIES_COLOUR, PATH_SERIES_NAMES, pathSeries, type PathSeries } from '../../terms'

export interface Hours {
  /** All hours from the first to the last, also those without calls. */
  hours: number[]
  series: { name: PathSeries; calls: number[] }[]
}

const HOUR_MS = 3_600_000

export function hoursByPath(rows: readonly Pick<Schemas['TimelineRow'], 'hour' | 'access_path' | 'actor' | 'calls'>[]): Hours {
  const calls = new Map<PathSeries, Map<number, number>>()
  const seen: number[] = []
  for (const row of rows) {
    const series = pathSeries(row.access_path, row.actor)
    if (series !== null && row.hour !== null) {
      const hour = Date.parse(row.hour)
      const of = calls.get(series) ?? new Map<number, number>()
      of.set(hour, (of.get(hour) ?? 0) + (row.calls ?? 0))
      calls.set(series, of)
      seen.push(hour)
    }
  }
  const first = seen.reduce((a, b) => Math.min(a, b), Infinity)
  const last = seen.reduce((a, b) => Math.max(a, b), -Infinity)
  const hours = seen.length === 0 ? [] : Array.from({ length: Math.round((last - first) / HOUR_MS) + 1 }, (_, at) => first + at * HOUR_MS)
  const series = PATH_SERIES.filter((name) => calls.has(name)).map((name) => ({ name, calls: hours.map((hour) => calls.get(name)?.get(hour) ?? 0) }))
  return { hours, series }
}

export function timelineOption({ hours, series }: Hours): (colour: (variable: string) => string) => EChartsCoreOption {
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
    series: series.map(({ name, calls }) => ({
      type: 'bar',
      name: PATH_SERIES_NAMES[name],
      stack: 'calls',
      barMaxWidth: 14,
      itemStyle: { color: colour(PATH_SERIES_COLOUR[name]) },
      data: hours.map((hour, at) => [hour, calls[at] ?? 0]),
    })),
  })
}
