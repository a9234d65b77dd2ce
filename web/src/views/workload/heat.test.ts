import { describe, expect, test } from 'vitest'
import { COLOURS, columnName, heat, MOST_ACTIONS, OTHER, stepNames, stepOf, stepsOf } from './heat'

function hour(time: string, name: string, calls: number, denied = 0) {
  return { hour: time, event_source: 's3.amazonaws.com', event_name: name, calls, denied }
}

/** So many actions, each called less than the one before. */
function rows(number: number) {
  return Array.from({ length: number }, (_, index) => hour('2026-05-01T10:00:00Z', `A${index}`, 100 - index))
}

describe('the heat map', () => {
  test('has a column for every hour between, and the most called action first', () => {
    const found = heat([hour('2026-05-01T10:00:00Z', 'Get', 1), hour('2026-05-01T13:00:00Z', 'Put', 5, 2)])
    expect(found?.unit).toBe('hour')
    expect(found?.times).toHaveLength(4)
    expect(found?.actions).toEqual(['s3:Put', 's3:Get'])
    expect(found?.cells).toContainEqual({ x: 3, y: 0, calls: 5, denied: 2 })
    expect(found?.most).toBe(5)
  })

  test('adds up days where the range is long, and weeks where it is longer', () => {
    const days = heat([
      hour('2026-05-01T10:00:00Z', 'Get', 1),
      hour('2026-05-01T11:00:00Z', 'Get', 2),
      hour('2026-05-09T00:00:00Z', 'Get', 4),
    ])
    expect(days).toMatchObject({ unit: 'day', most: 4 })
    expect(days?.times).toHaveLength(9)
    expect(days?.cells[0]).toMatchObject({ x: 0, calls: 3 })
    const weeks = heat([hour('2026-01-01T10:00:00Z', 'Get', 1), hour('2026-12-31T10:00:00Z', 'Get', 1)])
    expect(weeks?.unit).toBe('week')
    // 2025-12-29 is a Monday.
    expect(columnName(weeks?.times[0] ?? 0, 'week')).toBe('2025-12-29')
  })

  test('puts rare actions together, but never a single one', () => {
    expect(heat(rows(MOST_ACTIONS + 1))?.actions).not.toContain(OTHER)
    const found = heat(rows(MOST_ACTIONS + 2))
    expect(found?.actions.at(-1)).toBe(OTHER)
    expect(found?.cells.find((cell) => cell.y === MOST_ACTIONS)?.calls).toBe(80 + 79)
  })

  test('of nothing is none', () => {
    expect(heat([])).toBeNull()
  })
})

describe('colours', () => {
  test('part the numbers that there are, however near to each other', () => {
    const steps = stepsOf([51, 52, 53, 53, 54, 55, 56, 57, 58, 59, 60])
    expect(steps).toEqual([51, 53, 55, 57, 59])
    expect([51, 52, 53, 58, 60].map((calls) => stepOf(steps, calls))).toEqual([0, 0, 1, 3, 4])
    expect(stepNames({ steps, most: 60 })).toEqual(['51 to 52', '53 to 54', '55 to 56', '57 to 58', '59 to 60'])
  })

  test('a number far beyond the others leaves them theirs', () => {
    const steps = stepsOf([1, 2, 3, 4, 100_000])
    expect([1, 2, 3, 4, 100_000].map((calls) => stepOf(steps, calls))).toEqual([0, 1, 2, 3, 4])
    expect(stepNames({ steps, most: 100_000 })).toEqual(['1', '2', '3', '4 to 99,999', '100,000'])
  })

  test('are as many as there are numbers, at most', () => {
    expect(stepsOf([7, 7, 7])).toEqual([7])
    expect(stepNames({ steps: [7], most: 7 })).toEqual(['7'])
    expect(stepsOf([])).toEqual([])
    expect(stepOf([], 3)).toBe(0)
    expect(stepsOf(Array.from({ length: 1000 }, (_, at) => at))).toHaveLength(COLOURS.length)
  })
})

test('columns are named no finer than they are', () => {
  const time = Date.UTC(2026, 4, 1, 10)
  expect(columnName(time, 'hour')).toBe('05-01 10:00')
  expect(columnName(time, 'day')).toBe('2026-05-01')
})
