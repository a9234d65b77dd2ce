import { describe, expect, test } from 'vitest'
import { offers, tablesOf } from './complete'
import type { Schema } from './schema'

const columns = (...names: string[]) => names.map((name) => ({ name, type: 'text' }))

const SCHEMA: Schema = {
  tables: [
    { name: 'events', columns: columns('event_id', 'event_name', 'access_key_id') },
    { name: 'attribution', columns: columns('event_id', 'access_path', 'cluster') },
    { name: 'pods', columns: columns('pod', 'cluster') },
    { name: 'node_boots', columns: columns('boot') },
    { name: 'system.queries', columns: columns('state') },
  ],
  functions: [{ name: 'is_denied', usage: 'is_denied(error_code)', doc: 'Whether it was refused.' }],
}

/** Labels of one kind that are offered at `|`. */
function at(text: string, ...types: string[]): string[] {
  const found = offers(text.replace('|', ''), text.indexOf('|'), SCHEMA)
  return (found?.options ?? []).filter((one) => types.length === 0 || types.includes(one.type)).map((one) => one.label)
}

const boost = (type: string) => offers('SELECT ', 7, SCHEMA)?.options.find((one) => one.type === type)?.boost ?? 0

const names = (statement: string) => Object.fromEntries([...tablesOf(statement, SCHEMA)].map(([name, table]) => [name, table.name]))

describe('tables of a statement', () => {
  test.each([
    ['SELECT 1 FROM events', { events: 'events' }],
    ['select 1 from EVENTS e', { e: 'events' }],
    ['SELECT 1 FROM events AS e JOIN attribution a USING (event_id) WHERE a.x', { e: 'events', a: 'attribution' }],
    ['SELECT 1 FROM events, pods p, attribution WHERE 1', { events: 'events', p: 'pods', attribution: 'attribution' }],
    ['SELECT 1 FROM events LEFT JOIN pods ON true', { events: 'events', pods: 'pods' }],
    ['WITH spot AS (SELECT pod FROM pods) SELECT 1 FROM spot JOIN events ON true', { pods: 'pods', events: 'events' }],
    ['SELECT (SELECT max(pod) FROM pods) FROM (SELECT * FROM events) AS x', { pods: 'pods', events: 'events' }],
    ['SELECT state FROM system.queries', { queries: 'system.queries' }],
    ['SELECT state FROM public.pods', { pods: 'pods' }],
    ['SELECT extract(hour FROM event_time), \'FROM pods\' -- FROM pods\n FROM events', { events: 'events' }],
    ['SELECT 1', {}],
    ['SELECT 1 FROM', {}],
  ])('%s', (statement, expected) => {
    expect(names(statement)).toEqual(expected)
  })
})

describe('offers', () => {
  test('are the columns of the tables that the statement names, wherever it names them', () => {
    expect(at('SELECT access_p| FROM attribution', 'property')).toEqual(['event_id', 'access_path', 'cluster'])
    expect(at('SELECT 1 FROM attribution WHERE |', 'property')).toEqual(['event_id', 'access_path', 'cluster'])
    expect(at('SELECT | FROM events e JOIN attribution a USING (event_id)', 'property')).toEqual(['event_id', 'event_name', 'access_key_id', 'access_path', 'cluster'])
  })

  test('are the columns of all main tables where none is named yet', () => {
    expect(at('SELECT access_p|', 'property')).toEqual(['event_id', 'event_name', 'access_key_id', 'access_path', 'cluster', 'pod'])
  })

  test('are what an alias, a table or a schema has, behind a dot', () => {
    expect(at('SELECT a.| FROM events e JOIN attribution a USING (event_id)')).toEqual(['event_id', 'access_path', 'cluster'])
    expect(at('SELECT pods.p| FROM events')).toEqual(['pod', 'cluster'])
    expect(at('SELECT 1 FROM system.|')).toEqual(['queries'])
    expect(at('SELECT x.| FROM events')).toEqual([])
  })

  test('are tables only where one has to be named', () => {
    for (const text of ['SELECT 1 FROM |', 'SELECT 1 FROM ev|', 'SELECT 1 FROM events JOIN |', 'SELECT 1 FROM events e, po|']) {
      expect(at(text)).toEqual(SCHEMA.tables.map((table) => table.name))
    }
  })

  test('are aliases, functions and the keywords of statements that read', () => {
    expect(at('SELECT | FROM events e', 'constant')).toEqual(['e'])
    expect(at('SELECT |', 'function')).toEqual(expect.arrayContaining(['is_denied', 'count', 'date_trunc']))
    const keywords = at('SELECT |', 'keyword')
    expect(keywords).toEqual(expect.arrayContaining(['SELECT', 'GROUP', 'INTERVAL']))
    expect(keywords.length).toBeLessThan(80)
    expect(keywords).not.toContain('CREATE')
  })

  test('say which tables have a column, and are none within a number', () => {
    const found = offers('SELECT ', 7, SCHEMA)?.options.find((one) => one.label === 'event_id')
    expect(found?.detail).toBe('text · events, attribution')
    expect(offers('SELECT 12', 9, SCHEMA)).toBeNull()
  })

  test('columns come before tables, and those before keywords', () => {
    expect(boost('property')).toBeGreaterThan(boost('type'))
    expect(boost('type')).toBeGreaterThan(boost('keyword'))
  })
})
