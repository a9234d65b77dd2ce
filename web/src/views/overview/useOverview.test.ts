import { expect, test } from 'vitest'
import type { Schemas } from '../../api/client'
import { isWithoutCalls, isWithoutEvents, type Overview } from './useOverview'

type Asked = Parameters<typeof isWithoutCalls>[0]

const list = (number?: number) => (number === undefined ? undefined : Array.from({ length: number }, () => ({})))

function asked(given: { cluster?: string; rows?: number; fallbacks?: number; calls?: number }): Asked {
  return {
    filters: given.cluster === undefined ? {} : { cluster: given.cluster },
    rows: { data: given.rows === undefined ? undefined : { rows: list(given.rows) } } as unknown as Overview['rows'],
    fallbacks: { data: given.fallbacks === undefined ? undefined : { items: list(given.fallbacks) } } as unknown as Overview['fallbacks'],
    summary: { data: given.calls === undefined ? undefined : { calls: given.calls } } as unknown as Overview['summary'],
  }
}

test.each([
  ['nothing at all', { rows: 0, fallbacks: 0, calls: 0 }, true],
  ['calls of no cluster', { rows: 0, fallbacks: 0, calls: 3 }, false],
  ['calls of no cluster, with one chosen', { cluster: 'prod', rows: 0, fallbacks: 0, calls: 3 }, true],
  ['calls', { rows: 2, fallbacks: 0, calls: 3 }, false],
  ['fallbacks', { cluster: 'prod', rows: 0, fallbacks: 1, calls: 3 }, false],
  ['answers that are not there yet', { rows: 0, fallbacks: 0 }, false],
  ['others that are not', { cluster: 'prod', fallbacks: 0 }, false],
])('%s', (_, given, expected) => {
  expect(isWithoutCalls(asked(given))).toBe(expected)
})

const row = (last: string | null) => ({ first_event_time: last, last_event_time: last }) as Schemas['CoverageRow']

test('accounts of which digests alone are known do not make a store that has events', () => {
  expect(isWithoutEvents([])).toBe(true)
  expect(isWithoutEvents([row(null), row(null)])).toBe(true)
  expect(isWithoutEvents([row(null), row('2026-05-01T00:00:00Z')])).toBe(false)
})
