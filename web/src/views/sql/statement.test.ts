import { describe, expect, it } from 'vitest'
import { errorAt, errorText, paramValues, placeholders, readParams, writeParams } from './statement'

describe('placeholders', () => {
  it('finds numbers and names, not those in texts and comments', () => {
    expect(placeholders("SELECT $2, $1, $10 FROM t WHERE a = '$3' -- $4\n AND b = \"$5\" /* $6 */")).toEqual(['1', '2', '10'])
    expect(placeholders('SELECT * FROM t WHERE cluster = $cluster AND t > $since AND u < $since')).toEqual(['cluster', 'since'])
    expect(placeholders('SELECT 1')).toEqual([])
  })
})

describe('values', () => {
  it('is a list for numbers and an object for names', () => {
    const params = { 1: { kind: 'number', text: '5' }, 2: { kind: 'text', text: '5' }, a: { kind: 'boolean', text: 'true' }, b: { kind: 'null', text: 'x' } } as const
    expect(paramValues(['1', '2'], params)).toEqual([5, '5'])
    expect(paramValues(['a', 'b', 'c'], params)).toEqual({ a: true, b: null, c: '' })
    expect(paramValues([], params)).toBeNull()
  })

  it('comes back from the address', () => {
    const params = { a: { kind: 'text', text: '111122223333' }, b: { kind: 'number', text: '7' } } as const
    expect(readParams(writeParams(['a', 'b', 'c'], params))).toEqual(params)
    expect(writeParams(['c'], params)).toBeNull()
    expect(readParams('{')).toEqual({})
  })
})

describe('errors', () => {
  it('are found by line and column, or by the unknown name', () => {
    expect(errorAt('SELECT *\nFORM events', 'SQL error: ParserError("Expected …, found: events at Line: 2, Column: 6")')).toBe(14)
    expect(errorAt('SELECT foo FROM events', 'Schema error: No field named foo.\nValid fields are events.event_id.')).toBe(7)
    expect(errorAt('SELECT * FROM evnts', "Error during planning: table 'datafusion.public.evnts' not found")).toBe(14)
    expect(errorAt('SELECT 1/0', 'Arrow error: Divide by zero error')).toBeNull()
  })

  it('are shown without their wrapping', () => {
    expect(errorText('SQL error: ParserError("Expected: ), found: EOF")')).toBe('Expected: ), found: EOF')
  })
})
