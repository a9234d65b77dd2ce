// What can be typed at a place of a statement: columns of the tables that it names, tables, functions, keywords.
import type { Schema, Table } from './schema'
import { isMain } from './schema'
import { bare } from './statement'

export interface Offer {
  label: string
  /** What CodeMirror shows beside it. */
  detail?: string
  info?: string
  type: 'property' | 'type' | 'constant' | 'function' | 'keyword'
  /** Those with more come first where they fit as well. */
  boost: number
}

export interface Offers {
  /** Where the word begins that an offer replaces. */
  from: number
  options: Offer[]
}

const BOOST = { column: 20, alias: 12, table: 10, function: 0, keyword: -10, other: -20 }

/** Keywords of statements that read. The dialect has hundreds more, for what podtrail refuses. */
const KEYWORDS =
  'SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET JOIN LEFT RIGHT INNER FULL OUTER CROSS ON USING AS AND OR NOT IN IS NULL LIKE ILIKE SIMILAR BETWEEN EXISTS CASE WHEN THEN ELSE END UNION ALL INTERSECT EXCEPT WITH RECURSIVE VALUES ASC DESC NULLS FIRST LAST TRUE FALSE CAST INTERVAL OVER PARTITION FILTER WITHIN DESCRIBE EXPLAIN SHOW BIGINT DOUBLE VARCHAR BOOLEAN DATE TIMESTAMP'.split(
    ' ',
  )

/** Functions of the engine that questions about calls need most; docs/sql.md leads to all of them. */
const FUNCTIONS: readonly (readonly [name: string, usage: string])[] = [
  ['array_agg', '(value)'],
  ['avg', '(number)'],
  ['coalesce', '(value, …)'],
  ['concat', '(text, …)'],
  ['count', '(*)'],
  ['date_bin', '(interval, time)'],
  ['date_trunc', "('hour', time)"],
  ['length', '(text)'],
  ['lower', '(text)'],
  ['max', '(value)'],
  ['min', '(value)'],
  ['now', '()'],
  ['nullif', '(value, value)'],
  ['regexp_like', '(text, pattern)'],
  ['regexp_replace', '(text, pattern, by)'],
  ['replace', '(text, part, by)'],
  ['round', '(number, digits)'],
  ['row_number', '() OVER (…)'],
  ['split_part', '(text, by, number)'],
  ['starts_with', '(text, beginning)'],
  ['string_agg', "(DISTINCT text, ' ')"],
  ['strpos', '(text, part)'],
  ['substr', '(text, from, length)'],
  ['sum', '(number)'],
  ['upper', '(text)'],
]

/** Words that end a table's name: none of them is an alias. */
const NO_ALIAS = new Set(
  'where group having order limit offset join left right inner full outer cross natural on using union intersect except as select from set window fetch lateral'.split(' '),
)

const TOKEN = /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|[(),]/g

/** The tables that a statement reads, by the names that they go by in it: alias, or the table's own. */
export function tablesOf(statement: string, schema: Schema): Map<string, Table> {
  const known = new Map(schema.tables.map((table) => [table.name, table]))
  const tokens = bare(statement).match(TOKEN) ?? []
  const found = new Map<string, Table>()
  // A table comes next: behind FROM and JOIN, and behind the commas of a FROM.
  let wanted = false
  for (let at = 0; at < tokens.length; at += 1) {
    const token = (tokens[at] ?? '').toLowerCase()
    if (token === 'from' || token === 'join') {
      wanted = true
    } else if (wanted) {
      wanted = false
      const table = known.get(token.replace(/^public\./, ''))
      const named = (tokens[at + 1] ?? '').toLowerCase() === 'as' ? at + 2 : at + 1
      const alias = (tokens[named] ?? '').toLowerCase()
      const has = /^\w+$/.test(alias) && !NO_ALIAS.has(alias)
      if (table !== undefined) {
        found.set(has ? alias : (token.split('.').at(-1) ?? token), table)
      }
      if (/^\w/.test(token)) {
        at = has ? named : at
        wanted = tokens[at + 1] === ','
        at += wanted ? 1 : 0
      }
    }
  }
  return found
}

/** Whether a table's name is to be written there, behind `before`. */
function wantsTable(before: string): boolean {
  return /\b(?:from|join)\s+$/i.test(before) || /\bfrom\s+[\w.]+(?:\s+(?:as\s+)?\w+)?(?:\s*,\s*[\w.]+(?:\s+(?:as\s+)?\w+)?)*\s*,\s*$/i.test(before)
}

function columnsOf(tables: readonly Table[]): Offer[] {
  const columns = new Map<string, { type: string; tables: string[] }>()
  for (const table of tables) {
    for (const { name, type } of table.columns) {
      const column = columns.get(name) ?? { type, tables: [] }
      column.tables.push(table.name)
      columns.set(name, column)
    }
  }
  return [...columns].map(([label, { type, tables: of }]) => ({
    label,
    detail: tables.length === 1 ? type : `${type} · ${of.slice(0, 2).join(', ')}${of.length > 2 ? ', …' : ''}`,
    type: 'property',
    boost: BOOST.column,
  }))
}

function tableOffers(tables: readonly Table[], prefix: string): Offer[] {
  return tables
    .filter((table) => table.name.startsWith(prefix))
    .map((table) => ({ label: table.name.slice(prefix.length), type: 'type', boost: isMain(table) ? BOOST.table : BOOST.other }))
}

/** What fits at an offset of a statement; null where nothing is offered, as within a number. */
export function offers(statement: string, at: number, schema: Schema): Offers | null {
  const before = statement.slice(0, at)
  const word = /\w*$/.exec(before)?.[0] ?? ''
  const from = at - word.length
  if (/^\d/.test(word)) {
    return null
  }
  const owner = /([A-Za-z_]\w*)\.$/.exec(before.slice(0, from))?.[1]?.toLowerCase()
  const named = tablesOf(statement, schema)
  if (owner !== undefined) {
    const table = named.get(owner) ?? schema.tables.find((one) => one.name === owner)
    const options = table === undefined ? tableOffers(schema.tables, `${owner}.`) : columnsOf([table])
    return options.length === 0 ? null : { from, options }
  }
  const tables = tableOffers(schema.tables, '')
  if (wantsTable(before.slice(0, from))) {
    return { from, options: tables }
  }
  const read = [...new Set(named.values())]
  return {
    from,
    options: [
      ...columnsOf(read.length > 0 ? read : schema.tables.filter(isMain)),
      ...[...named].filter(([name, table]) => name !== table.name).map(([name, table]): Offer => ({ label: name, detail: table.name, type: 'constant', boost: BOOST.alias })),
      ...tables,
      ...schema.functions.map((one): Offer => ({ label: one.name, detail: one.usage.slice(one.name.length), info: one.doc, type: 'function', boost: BOOST.function })),
      ...FUNCTIONS.map(([label, usage]): Offer => ({ label, detail: usage, type: 'function', boost: BOOST.function })),
      ...KEYWORDS.map((label): Offer => ({ label, type: 'keyword', boost: BOOST.keyword })),
    ],
  }
}
