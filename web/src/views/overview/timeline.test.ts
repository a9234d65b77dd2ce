import { describe, expect, it } from 'vitest'
import { extent, moment, seriesPage, timeline } from './timeline'

const row = (hour: string, access_path: string, actor: string, calls: number, denied = 0) => ({ hour, access_path, actor, calls, denied })
const at = (text: string) => Date.parse(text)
const NOW = at('2026-05-02T12:00:00Z')

describe('moment', () => {
  it('reads times as the API does', () => {
    expect(moment(undefined, 'from', NOW)).toBeNull()
    expect(moment('-24h', 'from', NOW)).toBe(at('2026-05-01T12:00:00Z'))
    expect(moment('-7d', 'from', NOW)).toBe(at('2026-04-25T12:00:00Z'))
    expect(moment('2026-05-01T01:00:00Z', 'to', NOW)).toBe(at('2026-05-01T01:00:00Z'))
    expect(moment('yesterday', 'from', NOW)).toBeNull()
  })
  it('lets a date as an end include its day', () => {
    expect(moment('2026-05-01', 'from', NOW)).toBe(at('2026-05-01T00:00:00Z'))
    expect(moment('2026-05-01', 'to', NOW)).toBe(at('2026-05-02T00:00:00Z'))
  })
})

describe('extent', () => {
  const rows = [row('2026-05-01T03:00:00Z', 'irsa', 'workload', 1), row('2026-05-01T05:00:00Z', 'irsa', 'workload', 1)]
  const open = { from: null, to: null }
  it('is that of the rows where nothing is asked', () => {
    expect(extent(rows, open, { first: null, last: null })).toEqual({ from: at('2026-05-01T03:00:00Z'), to: at('2026-05-01T05:00:00Z') })
  })
  it('is the range asked for, as far as the store reaches', () => {
    const store = { first: at('2026-05-01T00:10:00Z'), last: at('2026-05-01T07:50:00Z') }
    expect(extent(rows, { from: at('2026-04-01T00:00:00Z'), to: null }, store)).toEqual({ from: store.first, to: store.last })
    expect(extent(rows, { from: at('2026-05-01T02:00:00Z'), to: at('2026-05-01T07:00:00Z') }, store)).toEqual({
      from: at('2026-05-01T02:00:00Z'),
      to: at('2026-05-01T07:00:00Z') - 1,
    })
  })
  it('is none without rows', () => {
    expect(extent([], open, { first: null, last: null })).toBeNull()
  })
})

describe('timeline', () => {
  it('fills hours without calls, splits the node role and keeps the order of stacks', () => {
    const rows = [
      row('2026-05-01T03:00:00Z', 'node_role', 'workload', 5, 2),
      row('2026-05-01T03:00:00Z', 'node_role', 'node_agent', 7),
      row('2026-05-01T05:00:00Z', 'irsa', 'workload', 1),
    ]
    const made = timeline(rows, extent(rows, { from: null, to: null }, { first: null, last: null }))
    expect(made.starts.map((start) => new Date(start).getUTCHours())).toEqual([3, 4, 5])
    expect(made.series.map((one) => [one.name, one.calls, one.total])).toEqual([
      ['irsa', [0, 0, 1], 1],
      ['node_role-workload', [5, 0, 0], 5],
      ['node_role-node_agent', [7, 0, 0], 7],
    ])
    expect([made.calls, made.denied]).toEqual([13, 2])
  })
  it('counts by day beyond two weeks', () => {
    const rows = [
      row('2026-05-01T03:00:00Z', 'irsa', 'workload', 1),
      row('2026-05-01T23:00:00Z', 'irsa', 'workload', 2),
      row('2026-05-20T03:00:00Z', 'irsa', 'workload', 4),
    ]
    const made = timeline(rows, extent(rows, { from: null, to: null }, { first: null, last: null }))
    expect(made.starts).toHaveLength(20)
    expect(made.series[0]?.calls[0]).toBe(3)
    expect(made.series[0]?.calls[19]).toBe(4)
  })
})

describe('seriesPage', () => {
  it('leads to where the calls are looked into', () => {
    expect(seriesPage('node_role-workload')).toEqual({ path: '/fallbacks' })
    expect(seriesPage('irsa')).toEqual({ path: '/workloads', extra: { access_path: 'irsa' } })
  })
})
