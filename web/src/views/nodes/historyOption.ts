// Draws calls and pods of a node over one time axis.
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from 'echarts'
import { timeAxis, valueAxis, ZONE_ROOM } from '../../components/axes'
import { count, counted } from '../../format'
import { utcTime } from '../../state/time'
import { ACTORS_DRAWN, type ActorDrawn, type Bucket, type Called, type Span, type Stay, type WorkloadRow } from './stays'

type Colour = (variable: string) => string

export const ACTOR_SERIES: Record<ActorDrawn, { name: string; swatch: string; colour: string }> = {
  workload: { name: 'Workloads (fallback)', swatch: 'node_role-workload', colour: '--path-node-workload' },
  unknown: { name: 'Unknown', swatch: 'node_role-unknown', colour: '--path-node-unknown' },
  node_agent: { name: 'Node agents', swatch: 'node_role-node_agent', colour: '--path-node-agent' },
}

const CALLED: Record<Called, { colour: string; opacity: number; height: number }> = {
  yes: { colour: '--path-node-workload', opacity: 1, height: 1 },
  maybe: { colour: '--path-node-workload', opacity: 0.5, height: 0.7 },
  none: { colour: '--line-strong', opacity: 0.65, height: 0.4 },
}

const TOP = 28
const BARS = 130
const BETWEEN = 44
const ROW = 19
const BOTTOM = 26 + ZONE_ROOM

export function historyHeight(rows: number): number {
  return rows === 0 ? TOP + BARS + BOTTOM : TOP + BARS + BETWEEN + rows * ROW + BOTTOM
}

export interface Drawn {
  span: Span
  step: number
  buckets: Bucket[]
  rows: WorkloadRow[]
}

/** Short: without the namespace, for narrow pages. */
export function rowLabel(row: WorkloadRow, short = false): string {
  const name = row.workload.slice(row.workload.indexOf('/') + 1)
  return `${row.hostNetwork ? '(host) ' : ''}${short ? '' : `${row.namespace}/`}${name}`
}

/** The series' data: what is drawn by number, and the pod for tooltip and click. */
interface StayItem {
  value: number[]
  stay: Stay
}

export function historyOption(drawn: Drawn, narrow: boolean, colour: Colour) {
  const { span, step, rows } = drawn
  const left = rows.length === 0 ? 44 : narrow ? 112 : 220
  const line = { show: true, type: 'line', triggerTooltip: false, label: { show: false }, lineStyle: { color: colour('--line-strong') } }
  const time = { ...timeAxis(colour), min: span.from, max: span.to, axisPointer: line, ...(narrow ? { splitNumber: 3 } : {}) }
  const right = narrow ? 14 : 24
  return {
    axisPointer: { link: [{ xAxisIndex: [0, 1] }] },
    tooltip: {
      trigger: 'item',
      formatter: ({ data }: { data: StayItem | BarItem }) => ('stay' in data ? stayText(data.stay) : bucketText(data.bucket, step)),
    },
    grid: [
      { left, right, top: TOP, height: BARS },
      { left, right, top: TOP + BARS + BETWEEN, height: rows.length * ROW },
    ],
    xAxis: [
      // The same axis is below: there it says its zone, unless it is not shown.
      { ...time, gridIndex: 0, name: rows.length === 0 ? time.name : '' },
      { ...time, gridIndex: 1, show: rows.length > 0, splitLine: { show: true, lineStyle: { color: colour('--line') } } },
    ],
    yAxis: [
      { ...valueAxis(colour, step > 3_600_000 ? 'Calls per day' : 'Calls per hour'), gridIndex: 0, minInterval: 1, splitNumber: 3 },
      {
        type: 'category',
        gridIndex: 1,
        inverse: true,
        data: rows.map((row) => row.key),
        axisLine: { lineStyle: { color: colour('--line') } },
        axisTick: { show: false },
        show: rows.length > 0,
        splitLine: { show: true, interval: 0, lineStyle: { color: colour('--line'), opacity: 0.5 } },
        axisLabel: {
          interval: 0,
          width: left - 12,
          overflow: 'truncate',
          fontSize: narrow ? 10 : 11,
          formatter: (_: string, index: number) => (rows[index] === undefined ? '' : rowLabel(rows[index], narrow)),
          color: (_: string | undefined, index: number | undefined) => colour((rows[index ?? -1]?.calls ?? 0) > 0 ? '--text' : '--text-soft'),
        },
      },
    ],
    series: [
      // Bars of ECharts widen a time axis so that the first and last fit, and the two axes would not agree.
      {
        type: 'custom',
        name: 'Calls',
        clip: true,
        encode: { x: [0, 1], y: [2, 3] },
        renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => renderBar(api, colour),
        data: drawn.buckets.flatMap((bucket) => barItems(bucket, step)),
      },
      {
        type: 'custom',
        name: 'Pods',
        xAxisIndex: 1,
        yAxisIndex: 1,
        clip: true,
        encode: { x: [1, 3], y: 0 },
        renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => renderStay(api, colour),
        data: rows.flatMap((row, index) => row.stays.map((stay) => stayItem(stay, index, row.lanes))),
      },
    ],
  }
}

interface BarItem {
  value: number[]
  bucket: Bucket
}

/** The parts of a stack, from the bottom up. */
function barItems(bucket: Bucket, step: number): BarItem[] {
  let base = 0
  return ACTORS_DRAWN.flatMap((actor, index) => {
    const calls = bucket.calls[actor]
    const value = [bucket.start, bucket.start + step, base, base + calls, index]
    base += calls
    return calls > 0 ? [{ value, bucket }] : []
  })
}

function renderBar(api: CustomSeriesRenderItemAPI, colour: Colour) {
  const value = (index: number) => Number(api.value(index))
  const actor = ACTORS_DRAWN[value(4)] ?? 'unknown'
  const [start = 0, bottom = 0] = api.coord([value(0), value(2)])
  const [end = 0, top = 0] = api.coord([value(1), value(3)])
  const gap = Math.min(1, (end - start) * 0.1)
  return {
    type: 'rect' as const,
    shape: { x: start + gap, y: top, width: Math.max(1, end - start - 2 * gap), height: bottom - top },
    style: { fill: colour(ACTOR_SERIES[actor].colour) },
  }
}

const CALLED_ORDER: readonly Called[] = ['yes', 'maybe', 'none']

function stayItem(stay: Stay, row: number, lanes: number): StayItem {
  return { value: [row, stay.from, stay.certainTo, stay.to, stay.lane, lanes, CALLED_ORDER.indexOf(stay.called), stay.pod.host_network === true ? 1 : 0], stay }
}

/** A bar for the time in which the pod was certain to be there, and a pale one until it had gone. */
function renderStay(api: CustomSeriesRenderItemAPI, colour: Colour) {
  const value = (index: number) => Number(api.value(index))
  const look = CALLED[CALLED_ORDER[value(6)] ?? 'none']
  const [start = 0, centre = 0] = api.coord([value(1), value(0)])
  const [certain = 0] = api.coord([value(2), value(0)])
  const [end = 0] = api.coord([value(3), value(0)])
  const lane = (ROW - 4) / value(5)
  const height = Math.max(2, (lane - 1) * look.height)
  const y = centre - (ROW - 4) / 2 + value(4) * lane + (lane - height) / 2
  const fill = colour(look.colour)
  const bar = (from: number, to: number, opacity: number) => ({
    type: 'rect' as const,
    shape: { x: from, y, width: Math.max(to - from, 0), height, r: 1 },
    style: { fill, opacity },
  })
  const host = value(7) === 1 ? [{ type: 'rect' as const, shape: { x: start, y, width: Math.max(2, end - start), height }, style: { fill: 'none', stroke: colour('--text'), lineWidth: 1 } }] : []
  return { type: 'group' as const, children: [bar(start, Math.max(certain, start + 2), look.opacity), bar(Math.max(certain, start + 2), end, look.opacity * 0.4), ...host] }
}

function stayText(stay: Stay): string {
  const { pod } = stay
  const lines = [
    `${pod.namespace}/${pod.pod}`,
    `${pod.workload ?? 'no controller'} · service account ${pod.service_account ?? 'not known'}`,
    `${utcTime(pod.valid_from ?? '')} to ${pod.valid_to === null ? 'now: not seen to end' : utcTime(pod.valid_to)}`,
  ]
  if (pod.valid_to !== null && pod.observed_at !== null && pod.observed_at < pod.valid_to) {
    lines.push(`last seen ${utcTime(pod.observed_at)}`)
  }
  lines.push(`credentials injected: ${pod.injected === null || pod.injected === 'none' ? 'none' : pod.injected.replaceAll('_', ' ')}${pod.host_network === true ? ' · on the host’s network' : ''}`)
  lines.push(callsText(stay))
  return lines.join('\n')
}

function callsText({ called, calls, guessed }: Stay): string {
  if (calls > 0) {
    const sure = guessed === 0 ? '' : guessed === calls ? ', as a candidate: the best of several guesses' : `, ${count(guessed)} of them as a candidate`
    return `${counted(calls, 'call')} with the role of the node name it${sure}`
  }
  return called === 'maybe' ? 'calls name its service account, and not the pod' : 'no call with the role of the node names it'
}

const MOST_NAMES = 6

function bucketText(bucket: Bucket, step: number): string {
  const total = ACTORS_DRAWN.reduce((sum, actor) => sum + bucket.calls[actor], 0)
  const more = bucket.who.length - MOST_NAMES
  return [
    `${utcTime(bucket.start).slice(0, 16)} to ${utcTime(bucket.start + step).slice(11, 16)} UTC`,
    `${counted(total, 'call')}, ${count(bucket.denied)} denied`,
    ...bucket.who.slice(0, MOST_NAMES).map((one) => `${count(one.calls)}  ${one.name}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n')
}
