import { describe, expect, test } from 'vitest'
import { RANGES, ago, atFullHour, isBackwards, localTime, momentText, readMoment, span, utcTime } from './time'

describe('times', () => {
  test.each([
    ['2026-05-01T12:34:56Z', '2026-05-01 12:34:56'],
    ['2026-05-01T12:34:56.789Z', '2026-05-01 12:34:56'],
    ['2026-05-01T01:30:00+02:00', '2026-04-30 23:30:00'],
    ['2026-12-31T23:59:59Z', '2026-12-31 23:59:59'],
    [0, '1970-01-01 00:00:00'],
    ['no time', 'no time'],
  ])('%s in UTC', (time, text) => {
    expect(utcTime(time)).toBe(text)
  })

  test('the local one names its zone', () => {
    expect(localTime('2026-05-01T12:34:56Z')).toMatch(/^2026-0[45]-\d\d \d\d:\d\d:\d\d \S+/)
    expect(localTime('no time')).toBe('no time')
  })

  test.each([
    [-5, '0 s'],
    [0, '0 s'],
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [3_599, '59 min'],
    [3_600, '1 h'],
    [86_399, '23 h'],
    [86_400, '1 d'],
    [20 * 86_400, '20 d'],
  ])('%s seconds', (seconds, text) => {
    expect(span(seconds)).toBe(text)
  })

  test('how long ago, never in the future', () => {
    const now = Date.parse('2026-05-01T12:00:00Z')
    expect(ago('2026-05-01T11:55:00Z', now)).toBe('5 min ago')
    expect(ago('2026-05-01T12:00:01Z', now)).toBe('0 s ago')
  })
})

describe('fields of times', () => {
  test.each([
    ['2026-05-01 12:34', '2026-05-01T12:34:00Z'],
    ['2026-05-01T12:34', '2026-05-01T12:34:00Z'],
    [' 2026-05-01 12:34:56 UTC ', '2026-05-01T12:34:56Z'],
    ['2026-05-01T12:34:56.789Z', '2026-05-01T12:34:56Z'],
    ['2026-05-01', '2026-05-01'],
    ['-36h', '-36h'],
    ['2028-02-29', '2028-02-29'],
  ])('%j as it is written', (text, time) => {
    expect(readMoment(text)).toBe(time)
  })

  test.each(['', '01/05/2026, 12:34', '2026-02-30', '2026-05-01 24:30', '2026-13-01 00:00', '2026-5-1', '12:34', '-36', 'yesterday'])('%j is no time', (text) => {
    expect(readMoment(text)).toBeNull()
  })

  test.each([
    ['2026-05-01T12:34:56Z', '2026-05-01 12:34:56'],
    ['2026-05-01T12:34:00Z', '2026-05-01 12:34'],
    ['2026-05-01T14:34:56+02:00', '2026-05-01 12:34:56'],
    ['2026-05-01', '2026-05-01'],
    ['-36h', '-36h'],
    [null, ''],
  ])('the field of %j', (value, text) => {
    expect(momentText(value)).toBe(text)
  })

  // A wrong one in the address must not take the page down: the service tells what is wrong with it.
  test.each(['2026-13-45T99:99:99Z', '2026-05-01Tnoon'])('the field of %j, which is no time', (value) => {
    expect(momentText(value)).toBe(value)
  })

  test.each([
    ['2026-05-02T00:00:00Z', '2026-05-01T00:00:00Z', true],
    ['2026-05-01T00:00:00Z', '2026-05-01T00:00:00Z', true],
    ['2026-05-01T12:00:00Z', '2026-05-01', false],
    ['2026-05-01', '2026-05-01', false],
    ['2026-05-02', '2026-05-01', true],
    ['-1h', '-2h', true],
    ['-30m', '-1h', true],
    ['-2h', '-1h', false],
    ['-1w', '-30m', false],
    ['-1h', '2026-05-01', true],
    ['2026-05-01', '-1h', false],
    ['2026-05-01T12:00:00+02:00', '2026-05-01T11:00:00Z', false],
    ['May 2', 'May 1', false],
    [null, '2026-05-01', false],
    ['2026-05-01', null, false],
    ['no time', '2026-05-01', false],
  ])('from %j to %j', (from, to, backwards) => {
    expect(isBackwards(from, to, Date.parse('2026-05-08T12:34:56Z'))).toBe(backwards)
  })

  test('one range is all time', () => {
    expect(RANGES.filter((range) => range.from === null)).toHaveLength(1)
    expect(new Set(RANGES.map((range) => range.name)).size).toBe(RANGES.length)
  })
})

describe('a bound of time as it is asked for', () => {
  const now = Date.parse('2026-05-01T12:34:56Z')
  test.each([
    ['-1h', '2026-05-01T11:00:00Z'],
    ['-24h', '2026-04-30T12:00:00Z'],
    ['-7d', '2026-04-24T12:00:00Z'],
    ['2026-05-01T12:34:56Z', '2026-05-01T12:34:56Z'],
    ['-30m', '-30m'],
    ['-999999999999d', '-999999999999d'],
    ['yesterday', 'yesterday'],
    ['', ''],
  ])('%s', (value, asked) => {
    expect(atFullHour(value, now)).toBe(asked)
  })
})
