import { describe, expect, test } from 'vitest'
import { ApiError } from './client'
import { ask, keptAnswer, queryClient } from './queries'

const { retry, retryDelay } = queryClient.getDefaultOptions().queries ?? {}
const again = (failures: number, error: Error) => (retry as (failures: number, error: Error) => boolean)(failures, error)
const key = (path: unknown) => ['/api/v1/nodes/{instance}', path, { from: '-1h' }]
const delay = (failures: number, error: Error) => (retryDelay as (failures: number, error: Error) => number)(failures, error)

describe('a range of times that ends before it begins', () => {
  test('is not asked for', async () => {
    const query = { from: '2026-05-02', to: '2026-05-01' }
    await expect(ask('/api/v1/fallbacks', { query })).rejects.toMatchObject({ status: 400, message: 'The time range ends before it begins.' })
  })
})

describe('another try', () => {
  test.each([
    [503, true],
    [429, true],
    [0, false],
    [400, false],
    [401, false],
    [404, false],
    [500, false],
    [504, false],
  ])('after %s: %s', (status, wanted) => {
    expect(again(0, new ApiError(status, 'x'))).toBe(wanted)
  })

  test('an error of the page itself is not tried again', () => {
    expect(again(0, new TypeError('x'))).toBe(false)
  })

  test('has an end', () => {
    expect(again(2, new ApiError(503, 'x'))).toBe(true)
    expect(again(3, new ApiError(503, 'x'))).toBe(false)
  })

  test('comes when the service says, or else later each time', () => {
    expect(delay(0, new ApiError(503, 'x', { retry_after: 7 }))).toBe(7_000)
    expect([0, 1, 2].map((failures) => delay(failures, new ApiError(503, 'x')))).toEqual([500, 1_000, 2_000])
  })
})

describe('while the next answer is fetched', () => {
  test('that of other filters stays', () => {
    expect(keptAnswer({ instance: 'i-1' }, 'before', key({ instance: 'i-1' }))).toBe('before')
    expect(keptAnswer(undefined, 'before', key(null))).toBe('before')
  })

  test('that of another thing does not', () => {
    expect(keptAnswer({ instance: 'i-2' }, 'before', key({ instance: 'i-1' }))).toBeUndefined()
  })
})
