// Calls by access path over time, stacked.
import { useCallback, useMemo } from 'react'
import { Link, useNavigate } from 'react-router'
import type { EChartsCoreOption } from 'echarts/core'
import { timeAxis, valueAxis } from '../../components/axes'
import { Panel } from '../../components/basics'
import { Chart } from '../../components/Chart'
import { Answer, Empty } from '../../components/states'
import { count, counted, share } from '../../format'
import { utcTime } from '../../state/time'
import { useCarry } from '../../state/url'
import { PATH_SERIES, PATH_SERIES_COLOUR, PATH_SERIES_NAMES } from '../../terms'
import { seriesPage, type Timeline } from './timeline'
import type { Overview } from './useOverview'

const DAY_MS = 86_400_000

function barName(start: number, step: number): string {
  return step === DAY_MS ? utcTime(start).slice(0, 10) : `${utcTime(start).slice(0, 16)} UTC`
}

export function PathChart({ overview }: { overview: Overview }) {
  const { rows, timeline } = overview
  const unit = timeline.step === DAY_MS ? 'day' : 'hour'
  return (
    <Panel
      title="Calls by access path"
      note={`Calls per ${unit} that an identity of a cluster made. Choose a path to see who is behind it.`}
    >
      <Answer query={rows} lines={7}>
        {({ cut }) =>
          timeline.starts.length === 0 ? (
            <Empty title="No attributed calls in this time range.">
              <p>Calls that no identity of a cluster made are listed by reason below.</p>
            </Empty>
          ) : (
            <>
              <Stack timeline={timeline} unit={unit} />
              {cut && <p className="soft small">The time range is too long to be shown whole: its newest hours are left out. Narrow it above.</p>}
            </>
          )
        }
      </Answer>
    </Panel>
  )
}

function Stack({ timeline, unit }: { timeline: Timeline; unit: string }) {
  const navigate = useNavigate()
  const to = useCarry()
  const figures = useMemo(
    () => ({
      header: [unit === 'day' ? 'Day (UTC)' : 'Hour (UTC)', ...timeline.series.map((one) => PATH_SERIES_NAMES[one.name])],
      rows: timeline.starts.map((start, index) => [utcTime(start).slice(0, unit === 'day' ? 10 : 16), ...timeline.series.map((one) => one.calls[index] ?? 0)]),
    }),
    [timeline, unit],
  )
  const option = useCallback((colour: (variable: string) => string) => stackOption(timeline, unit, colour), [timeline, unit])
  const open = (item: { seriesName?: string }) => {
    const name = PATH_SERIES.find((one) => PATH_SERIES_NAMES[one] === item.seriesName)
    if (name !== undefined) {
      const page = seriesPage(name)
      void navigate(to(page.path, page.extra))
    }
  }
  return (
    <Chart
      label={`Calls per ${unit} by access path, ${counted(timeline.calls, 'call')} in all`}
      option={option}
      figures={figures}
      onClick={open}
      legend={<Paths timeline={timeline} />}
    />
  )
}

/** The legend: each path with its calls, linked to who is behind them. */
function Paths({ timeline }: { timeline: Timeline }) {
  const to = useCarry()
  return (
    <ul className="path-legend">
      {timeline.series.map((one) => {
        const page = seriesPage(one.name)
        return (
          <li key={one.name}>
            <Link to={to(page.path, page.extra)}>
              <span className={`dot swatch-${one.name}`} aria-hidden="true" />
              <span>{PATH_SERIES_NAMES[one.name]}</span>
              <strong>{count(one.total)}</strong>
              <span className="soft">{share(one.total, timeline.calls)}</span>
            </Link>
          </li>
        )
      })}
    </ul>
  )
}

interface TooltipItem {
  seriesIndex: number
  dataIndex: number
  marker: string
}

function stackOption(timeline: Timeline, unit: string, colour: (variable: string) => string): EChartsCoreOption {
  const { starts, step, series } = timeline
  const begin = starts[0] ?? 0
  return {
    grid: { left: 8, right: 12, top: 30, bottom: 4, containLabel: true },
    xAxis: { ...timeAxis(colour), min: begin, max: begin + starts.length * step },
    yAxis: { ...valueAxis(colour, `calls per ${unit}`), minInterval: 1 },
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'line', lineStyle: { color: colour('--line-strong') } },
      formatter: (items: TooltipItem[]) => tooltip(items, timeline),
    },
    series: series.map((one) => ({
      type: 'bar',
      name: PATH_SERIES_NAMES[one.name],
      stack: 'calls',
      color: colour(PATH_SERIES_COLOUR[one.name]),
      barCategoryGap: '12%',
      cursor: 'pointer',
      // A bar stands in the middle of its time.
      data: one.calls.map((calls, index) => [(starts[index] ?? 0) + step / 2, calls]),
    })),
  }
}

function tooltip(items: TooltipItem[], timeline: Timeline): string {
  const index = items[0]?.dataIndex ?? 0
  const lines = items
    .map((item) => ({ item, one: timeline.series[item.seriesIndex] }))
    .flatMap(({ item, one }) => {
      const calls = one?.calls[index] ?? 0
      return one === undefined || calls === 0 ? [] : [`${item.marker}${PATH_SERIES_NAMES[one.name]}: ${count(calls)}`]
    })
    .toReversed()
  const all = timeline.series.reduce((sum, one) => sum + (one.calls[index] ?? 0), 0)
  return [barName(timeline.starts[index] ?? 0, timeline.step), ...lines, counted(all, 'call')].join('\n')
}
