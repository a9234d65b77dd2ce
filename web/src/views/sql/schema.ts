// Tables, views and functions that statements can name.
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { sqlRows, type ApiError } from '../../api/client'
import type { Row } from '../explain/story'

export interface Table {
  /** As a statement names it. */
  name: string
  columns: { name: string; type: string }[]
}

export interface Schema {
  tables: Table[]
  functions: { name: string; usage: string; doc: string }[]
}

/** Tables and views of docs/sql.md come first, those they are made of last. */
const MAIN = [
  'events',
  'attribution',
  'activities',
  'activity_attribution',
  'sessions',
  'fallbacks',
  'readiness',
  'roles',
  'role_bindings',
  'pods',
  'nodes',
  'service_accounts',
  'clusters',
  'missing_keys',
  'ingested_objects',
  'rejects',
  'inventory',
]

export function isMain(table: Table): boolean {
  return MAIN.includes(table.name)
}

function rank(name: string): number {
  const at = MAIN.indexOf(name)
  return at >= 0 ? at : name.startsWith('system.') ? MAIN.length : MAIN.length + 1
}

function word(row: Row, name: string): string {
  return typeof row[name] === 'string' ? row[name] : ''
}

async function read(signal: AbortSignal): Promise<Schema> {
  const [columns, functions] = await Promise.all([
    sqlRows({ query: 'SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position' }, signal),
    sqlRows({ query: 'SELECT name, usage, doc FROM system.functions ORDER BY name' }, signal),
  ])
  const tables = new Map<string, Table>()
  for (const row of columns.items as Row[]) {
    const schema = word(row, 'table_schema')
    const name = schema === 'public' ? word(row, 'table_name') : `${schema}.${word(row, 'table_name')}`
    const table = tables.get(name) ?? { name, columns: [] }
    table.columns.push({ name: word(row, 'column_name'), type: typeName(word(row, 'data_type')) })
    tables.set(name, table)
  }
  return {
    tables: [...tables.values()].toSorted((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name, 'en')),
    functions: (functions.items as Row[]).map((row) => ({ name: word(row, 'name'), usage: word(row, 'usage'), doc: word(row, 'doc') })),
  }
}

/** Arrow's types by the names of SQL. */
export function typeName(type: string): string {
  if (type.startsWith('Timestamp')) {
    return 'time'
  }
  const names: Record<string, string> = { Utf8: 'text', LargeUtf8: 'text', Utf8View: 'text', Boolean: 'boolean', Float64: 'number', Date32: 'date' }
  return names[type] ?? (/^U?Int\d+$/.test(type) ? 'integer' : type)
}

export function useSchema(enabled: boolean): UseQueryResult<Schema, ApiError> {
  return useQuery<Schema, ApiError>({ queryKey: ['schema of SQL'], queryFn: ({ signal }) => read(signal), enabled, staleTime: Infinity })
}
