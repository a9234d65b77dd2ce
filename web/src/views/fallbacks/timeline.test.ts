import { expect, test } from 'vitest'
import { callsByHour, timelineOption } from './timeline'

test('hours without calls are there, and refused calls apart', () => {
  const hours = callsByHour([
    { hour: '2026-05-01T02:00:00Z', calls: 3, denied: 1 },
    { hour: '2026-05-01T00:00:00Z', calls: 2, denied: 0 },
  ])
  expect(hours).toEqual([
    { hour: Date.UTC(2026, 4, 1, 0), allowed: 2, denied: 0 },
    { hour: Date.UTC(2026, 4, 1, 1), allowed: 0, denied: 0 },
    { hour: Date.UTC(2026, 4, 1, 2), allowed: 2, denied: 1 },
  ])
})

test('of a history of years only hours with calls are there', () => {
  const rows = ['1990-01-01T00:00:00Z', '2026-05-01T00:00:00Z'].map((hour) => ({ hour, calls: 1, denied: 0 }))
  expect(callsByHour(rows)).toHaveLength(2)
})

test('no rows make no hours', () => {
  expect(callsByHour([])).toEqual([])
})

test('tooltips name only the series that have calls', () => {
  const option = timelineOption([])(() => '#000') as { tooltip: { formatter: (items: object[]) => string } }
  expect(
    option.tooltip.formatter([
      { seriesName: 'Allowed', value: [0, 1200] },
      { seriesName: 'Denied', value: [0, 0] },
    ]),
  ).toBe('1970-01-01 00:00:00 UTC\nAllowed: 1,200')
})
