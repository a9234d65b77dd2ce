// What a statement's text tells: its placeholders, and where the service found an error in it.

/** Statements longer than this are kept out of the address: browsers and proxies cut long ones. */
export const LONGEST_IN_ADDRESS = 4000

/** Parts of a statement that hold neither placeholders nor names that are looked for: texts, quoted names, comments. */
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g

/** The statement without those parts; what is left stands where it stood. */
export function bare(query: string): string {
  return query.replace(QUOTED, (part) => ' '.repeat(part.length))
}

/** Names of the placeholders, `1` or `name`, in the order that the service wants them. */
export function placeholders(query: string): string[] {
  const found = new Set<string>()
  for (const match of bare(query).matchAll(/\$(\d+|[A-Za-z_]\w*)/g)) {
    found.add(match[1] ?? '')
  }
  return [...found].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

export type ParamKind = 'text' | 'number' | 'boolean' | 'null'

export interface Param {
  kind: ParamKind
  text: string
}

export const NO_PARAM: Param = { kind: 'text', text: '' }

function value(param: Param): string | number | boolean | null {
  switch (param.kind) {
    case 'number':
      return Number(param.text)
    case 'boolean':
      return param.text.trim().toLowerCase() === 'true'
    case 'null':
      return null
    default:
      return param.text
  }
}

/** The values as the service takes them: a list for `$1`, `$2`, …, an object for names. */
export function paramValues(names: readonly string[], params: Readonly<Record<string, Param>>): unknown[] | Record<string, unknown> | null {
  if (names.length === 0) {
    return null
  }
  if (names.every((name) => /^\d+$/.test(name))) {
    const last = Math.max(...names.map(Number))
    return Array.from({ length: last }, (_, index) => value(params[String(index + 1)] ?? NO_PARAM))
  }
  return Object.fromEntries(names.map((name) => [name, value(params[name] ?? NO_PARAM)]))
}

/** Reads the values kept in the address. */
export function readParams(kept: string | null): Record<string, Param> {
  const found: Record<string, Param> = {}
  let given: unknown = null
  try {
    given = JSON.parse(kept ?? 'null')
  } catch {
    return found
  }
  for (const [name, one] of typeof given === 'object' && given !== null ? Object.entries(given) : []) {
    if (typeof one === 'number' || typeof one === 'boolean') {
      found[name] = { kind: typeof one === 'number' ? 'number' : 'boolean', text: String(one) }
    } else {
      found[name] = one === null ? { kind: 'null', text: '' } : { kind: 'text', text: String(one) }
    }
  }
  return found
}

/** Writes the values to be kept in the address; null where there are none. */
export function writeParams(names: readonly string[], params: Readonly<Record<string, Param>>): string | null {
  const used = names.filter((name) => params[name] !== undefined)
  return used.length === 0 ? null : JSON.stringify(Object.fromEntries(used.map((name) => [name, value(params[name] ?? NO_PARAM)])))
}

/** Where an error is, as an offset in the text, from the service's `Line: 1, Column: 15`; null where it does not say. */
export function errorAt(query: string, detail: string | null): number | null {
  const place = /Line: (\d+), Column: (\d+)/.exec(detail ?? '')
  if (place === null) {
    return nameAt(query, detail)
  }
  const lines = query.split('\n')
  const line = Number(place[1]) - 1
  const before = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0)
  return line < lines.length ? Math.min(before + Number(place[2]) - 1, query.length) : null
}

/** Where the unknown name stands that an error tells of. */
function nameAt(query: string, detail: string | null): number | null {
  const name = /No field named "?([\w.]+?)"?\.?\s/.exec(`${detail ?? ''} `)?.[1] ?? /table 'datafusion\.\w+\.(\w+)' not found/.exec(detail ?? '')?.[1]
  if (name === undefined) {
    return null
  }
  const at = new RegExp(`\\b${name.replaceAll('.', '\\.')}\\b`, 'i').exec(query)
  return at === null ? null : at.index
}

/** An error's text without the engine's wrapping. */
export function errorText(detail: string | null): string | null {
  return detail === null ? null : detail.replace(/^SQL error: ParserError\("([\s\S]*)"\)$/, '$1')
}
