// The answer of /api/v1/explain as the page uses it, and small readings of it.
import type { Schemas } from '../../api/client'
import type { Fact } from '../../components/Evidence'
import { ACCESS_PATHS, CAUSES, term } from '../../terms'

/** A row whose columns depend on what was asked. */
export type Row = Record<string, unknown>

/** What would make an answer more certain. */
export interface Missing {
  text: string
  command: string | null
}

export interface Story {
  verdict: string
  event: Row | null
  attribution: Row | null
  /** The sessions behind a call, the first one first. */
  chain: Row[]
  evidence: Fact[]
  /** The records that facts rest on, by event id. */
  records: Map<string, Row>
  sections: { title: string; rows: Row[] }[]
  missing: Missing[]
}

export function story(answer: Schemas['Explanation']): Story {
  const evidence = answer.evidence ?? []
  const records = new Map<string, Row>()
  for (const fact of evidence) {
    if (fact.event_id && fact.event) {
      records.set(fact.event_id, fact.event)
    }
  }
  return {
    verdict: answer.verdict,
    event: answer.event ?? null,
    attribution: answer.attribution ?? null,
    chain: (answer.chain ?? []).map((step): Row => ({ ...step })),
    evidence: evidence.map(({ fact, detail, event_id: eventId }) => ({ fact, detail: detail ?? null, event_id: eventId ?? null })),
    records,
    sections: (answer.sections ?? []).map((section) => ({ title: section.title, rows: section.rows })),
    missing: answer.missing.map(({ text: said, command }) => ({ text: said, command: command ?? null })),
  }
}

export function text(row: Row | null | undefined, column: string): string | null {
  const value = row?.[column]
  return typeof value === 'string' && value !== '' ? value : null
}

export function number(row: Row | null | undefined, column: string): number | null {
  const value = row?.[column]
  return typeof value === 'number' ? value : null
}

export function rowsOf(told: Story, title: string): Row[] {
  return told.sections.find((section) => section.title === title)?.rows ?? []
}

/** The service gives no more rows of a section than these. */
export const MOST_OF_SECTION = 20

/** Whether a section may have more rows than the service gave. */
export function isCut(rows: readonly Row[]): boolean {
  return rows.length >= MOST_OF_SECTION
}

/** Who a row names: `shop/cart`, or a node agent or another program; null where it names nobody. */
export function callerName(row: Row): string | null {
  const namespace = text(row, 'namespace')
  const account = text(row, 'service_account')
  return namespace !== null && account !== null ? `${namespace}/${account}` : text(row, 'component')
}

/** Tells whether several identities use a session of this name: no chain is that of all its calls. */
export function isShared(told: Story): boolean {
  return told.verdict.startsWith('shared by several identities')
}

/** The sessions behind what was asked about, the first one first; none where several identities share it. */
export function sessionsOf(told: Story): Row[] {
  if (told.event !== null) {
    return told.chain
  }
  if (isShared(told)) {
    return []
  }
  const chain = rowsOf(told, 'chain')
  // Credentials that were obtained with no others are all there is of their chain.
  return chain.length > 0 ? chain : rowsOf(told, 'issued to').slice(0, 1)
}

/** The record that a fact of this kind rests on. */
export function recordOf(told: Story, fact: string): Row | null {
  const id = told.evidence.find((one) => one.fact === fact)?.event_id
  return id === null || id === undefined ? null : (told.records.get(id) ?? (told.event?.event_id === id ? told.event : null))
}

const ORDER = ['unknown', 'candidate', 'inferred', 'exact']

/** The lowest confidence among rows; null where none has one. */
export function lowest(rows: readonly Row[]): string | null {
  const found = rows.map((row) => ORDER.indexOf(text(row, 'confidence') ?? '')).filter((at) => at >= 0)
  return found.length === 0 ? null : (ORDER[Math.min(...found)] ?? null)
}

/** How sure the story is: of the event, or of the calls where it is about many. */
export function confidence(told: Story): string | null {
  return text(told.attribution, 'confidence') ?? lowest(rowsOf(told, 'calls'))
}

/** The verdict with the names of the field, as a sentence. */
export function sentence(told: Story): string {
  // The confidence stands beside the sentence. Of an access key the service says "unknown" here, whatever its calls are:
  // sessions have no confidence of their own.
  const said = told.verdict
    .replace(/^workload (.*), candidate$/, 'most likely workload $1')
    .replace(/, (exact|inferred|candidate|unknown)$/, '')
    .replace(/\b(by|and) ([a-z0-9_]+)/g, (all, word: string, value: string) => (value in ACCESS_PATHS ? `${word} ${lead(term(ACCESS_PATHS, value))}` : all))
    .replace(/cause: (\w+)/, (_, cause: string) => `cause: ${CAUSES[cause]?.name.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) ?? cause}`)
    .replace(/through (\d+) assumed role\(s\)/, (_, hops: string) => `through ${hops} assumed role${hops === '1' ? '' : 's'}`)
    .replace('which fell back to the node role, by node role', 'which fell back to the node role')
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`
}

/** A name within a sentence: `Node role` becomes `node role`, `IRSA` and `EKS …` stay. */
export function lead(name: string): string {
  return name.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())
}
