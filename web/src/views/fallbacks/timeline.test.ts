import { expect, test } from 'vitest'
import { hoursByPath, timelineOption } from './timeline'

test('hours without calls are there, and series in their order', () => {
  const hours = hoursByPath([
    { hour: '2026-05-01T00:00:00Z', access_path: 'node_role', actor: 'workload', calls: 3 },
    { hour: '2026-05-01T02:00:00Z', access_path: 'irsa', actor: 'workload', calls: 2 },
    { hour: '2026-05-01T02:00:00Z', access_path: 'node_role', actor: 'workload', calls: 1 },
  ])
  expect(hours.hours).toEqual([0, 1, 2].map((hour) => Date.UTC(2026, 4, 1, hour)))
  expect(hours.series).toEqual([
    { name: 'irsa', calls: [0, 0, 2] },
    { name: 'node_role-workload', calls: [3, 0, 1] },
  ])
})

test('no rows make no hours', () => {
  expect(hoursByPath([])).toEqual({ hours: [], series: [] })
})

test('tooltips name only the series that have calls', () => {
  const option = timelineOption({ hours: [0], series: [] })(() => '#000') as { tooltip: { formatter: (items: object[]) => string } }
  expect(
    option.tooltip.formatter([
      { seriesName: 'IRSA', value: [0, 0] },
      { seriesName: 'Node role: workloads', value: [0, 1200] },
    ]),
  ).toBe('1970-01-01 00:00:00 UTC\nNode role: workloads: 1,200')
})
