import { describe, expect, it } from 'vitest'
import { likely, MOST_SERIES, plot } from './chart'

const time = { name: 'hour', type: 'Timestamp(µs, "UTC")' }
const path = { name: 'access_path', type: 'Utf8' }
const calls = { name: 'calls', type: 'Int64' }

describe('likely', () => {
  it('draws times as lines, with a text that repeats them as series', () => {
    const rows = [
      { hour: '2026-01-01T00:00:00Z', access_path: 'irsa', calls: 1 },
      { hour: '2026-01-01T00:00:00Z', access_path: 'node_role', calls: 2 },
    ]
    expect(likely([time, path, calls], rows)).toEqual({ x: 'hour', y: 'calls', series: 'access_path', kind: 'line' })
  })

  it('draws texts as bars', () => {
    const rows = [
      { access_path: 'irsa', calls: 1 },
      { access_path: 'node_role', calls: 2 },
    ]
    expect(likely([path, calls], rows)).toEqual({ x: 'access_path', y: 'calls', series: null, kind: 'bar' })
  })

  it('draws nothing without a number or rows', () => {
    expect(likely([time, path], [{ hour: 'x', access_path: 'y' }])).toBeNull()
    expect(likely([path, calls], [])).toBeNull()
  })
})

describe('plot', () => {
  it('sums up, keeps gaps as null, and sums the smallest series as others', () => {
    const rows = Array.from({ length: 12 }, (_, index) => ({ x: index < 6 ? 'a' : 'b', s: `s${index}`, y: index + 1 }))
    const drawn = plot(rows, { x: 'x', y: 'y', series: 's', kind: 'bar' }, false)
    expect(drawn.xs).toEqual(['a', 'b'])
    expect(drawn.series).toHaveLength(MOST_SERIES + 1)
    expect(drawn.series[0]).toEqual({ name: 's11', label: 's11', values: [null, 12] })
    expect(drawn.series.at(-1)).toEqual({ name: '4 others', label: '4 others', values: [10, 0] })
  })

  it('calls values what all pages call them, and keeps them for their colour', () => {
    const rows = [
      { access_path: 'eks_service_linked_role', confidence: 'exact', y: 2 },
      { access_path: 'irsa', confidence: 'exact', y: 1 },
    ]
    const drawn = plot(rows, { x: 'confidence', y: 'y', series: 'access_path', kind: 'bar' }, false)
    expect(drawn.series.map((one) => [one.name, one.label])).toEqual([
      ['eks_service_linked_role', 'EKS service-linked role'],
      ['irsa', 'IRSA'],
    ])
    expect(drawn.labels).toEqual(['Exact'])
    expect(drawn.figures).toEqual({ header: ['confidence', 'EKS service-linked role', 'IRSA'], rows: [['Exact', 2, 1]] })
  })

  it('leaves out rows without a number', () => {
    expect(plot([{ x: 'a', y: null }, { x: 'b', y: 2 }], { x: 'x', y: 'y', series: null, kind: 'bar' }, false).xs).toEqual(['b'])
  })
})
