import { expect, test } from 'vitest'
import { figuresCsv } from './Chart'

test('figures are copied whole: names without their links, numbers as they are, times as the API has them', () => {
  const figures = {
    header: ['Hour (UTC)', 'Workload', 'Calls'],
    rows: [
      [{ time: '2026-05-01T12:00:00Z' }, { text: 'shop/orders', to: '/workloads/a' }, 12_345],
      [null, 'a, b', 0.25],
    ],
  }
  expect(figuresCsv(figures)).toBe('Hour (UTC),Workload,Calls\r\n2026-05-01T12:00:00Z,shop/orders,12345\r\n,"a, b",0.25')
})
