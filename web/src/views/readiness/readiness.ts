// What a row of readiness says, and what to do about it.
import type { Schemas } from '../../api/client'
import { counted, items } from '../../format'

export type NodeRole = Schemas['ReadinessRow']
export type Fallback = Schemas['FallbackRow']
export type Node = Schemas['NodeRow']

export const VERDICTS = ['safe', 'breaks', 'unknown'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What is not one of the three is not known to be safe. */
export function verdict(row: Pick<NodeRole, 'hop_limit_1'>): Verdict {
  return VERDICTS.find((one) => one === row.hop_limit_1) ?? 'unknown'
}

export function keyOf(row: { cluster: string | null; role_arn: string | null }): string {
  return `${row.cluster ?? ''} ${row.role_arn ?? ''}`
}

/** Rows by cluster and node role. */
export function byRole<Row extends { cluster: string | null; role_arn: string | null }>(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const list = found.get(key)
    if (list === undefined) {
      found.set(key, [row])
    } else {
      list.push(row)
    }
  }
  return found
}

/** What can be switched today comes first, then what has least left to fix, then what is not known. */
export function inOrder(rows: readonly NodeRole[]): NodeRole[] {
  return rows.toSorted(
    (a, b) =>
      VERDICTS.indexOf(verdict(a)) - VERDICTS.indexOf(verdict(b)) ||
      (a.workloads_that_break ?? 0) - (b.workloads_that_break ?? 0) ||
      (b.running_instances ?? 0) - (a.running_instances ?? 0) ||
      keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true }),
  )
}

export function countVerdicts(rows: readonly NodeRole[]): Record<Verdict, { roles: number; instances: number }> {
  const found = { safe: { roles: 0, instances: 0 }, breaks: { roles: 0, instances: 0 }, unknown: { roles: 0, instances: 0 } }
  for (const row of rows) {
    const one = found[verdict(row)]
    one.roles += 1
    one.instances += row.running_instances ?? 0
  }
  return found
}

type Breaking = Pick<NodeRole, 'cluster' | 'breaks'>

/** Workloads that would break, by name. Names without a namespace are of callers whose workload is not known: one may be any of the others. */
export function namesThatBreak(row: Pick<Breaking, 'breaks'>): { workloads: string[]; hasUnknown: boolean } {
  const all = items(row.breaks)
  const workloads = all.filter((name) => name.includes('/'))
  return { workloads, hasUnknown: workloads.length < all.length }
}

/** `15 workloads and callers that are not known`. A workload on several node roles counts once. */
export function whatBreaks(rows: readonly Breaking[]): { text: string; isOne: boolean } {
  const named = rows.map((row) => ({ cluster: row.cluster, ...namesThatBreak(row) }))
  const workloads = new Set(named.flatMap(({ cluster, workloads: names }) => names.map((name) => `${cluster} ${name}`))).size
  const unknown = named.some(({ hasUnknown }) => hasUnknown)
  const callers = 'callers that are not known'
  const text = workloads === 0 && unknown ? callers : `${counted(workloads, 'workload')}${unknown ? ` and ${callers}` : ''}`
  return { text, isOne: workloads === 1 && !unknown }
}

/** The verdict in a sentence. What already is as it should be is not to be done again. */
export function sentence(row: NodeRole, allClosed = false): string {
  const { text, isOne } = whatBreaks([row])
  switch (verdict(row)) {
    case 'safe':
      return allClosed
        ? 'All running instances have hop limit 1 and tokens required already. See that new ones are launched so, too.'
        : 'No ordinary pod was seen to use this role, over seven days or more of a trail with data events: its instances can go to hop limit 1 today.'
    case 'breaks':
      return allClosed
        ? `All running instances have hop limit 1 and tokens required already. ${sentenceStart(text)} used the role on instances that had not: look whether they have what they need now.`
        : `With hop limit 1 and tokens required, ${text} would lose the credentials that ${isOne ? 'it uses' : 'they use'} now.`
    default:
      return 'No workload is known to break, but too little was observed to call it safe.'
  }
}

/** Running instances with hop limit 1 and tokens required; null where no running one is known by its options. */
export function closedOf(nodes: readonly Node[]): number | null {
  const list = options(nodes)
  return list.length === 0 ? null : list.filter((one) => one.closed).reduce((sum, one) => sum + one.instances, 0)
}

/** Those that break, the most calls first, and those on the host network, which do not. */
export function split(fallbacks: readonly Fallback[]): { breaking: Fallback[]; keeping: Fallback[] } {
  const sorted = fallbacks.toSorted((a, b) => (b.calls ?? 0) - (a.calls ?? 0))
  return { breaking: sorted.filter((row) => row.cause !== 'host_network'), keeping: sorted.filter((row) => row.cause === 'host_network') }
}

/** Metadata options of the running instances, each with how many have them. */
export function options(nodes: readonly Node[]): { hop_limit: number | null; http_tokens: string | null; instances: number; closed: boolean }[] {
  const found = new Map<string, { hop_limit: number | null; http_tokens: string | null; instances: number; closed: boolean }>()
  for (const node of nodes.filter((one) => one.valid_to === null)) {
    const key = `${node.hop_limit} ${node.http_tokens}`
    const one = found.get(key) ?? { hop_limit: node.hop_limit, http_tokens: node.http_tokens, instances: 0, closed: node.hop_limit === 1 && node.http_tokens === 'required' }
    one.instances += 1
    found.set(key, one)
  }
  return [...found.values()].toSorted((a, b) => Number(b.closed) - Number(a.closed) || b.instances - a.instances)
}

/** Region of the instances, by their private names; those of us-east-1 do not name it. */
export function regionOf(nodes: readonly Pick<Node, 'node_name'>[]): string | null {
  const found = new Set(nodes.map(({ node_name }) => /\.([a-z]{2}(?:-[a-z]+)+-\d)\.compute\.(?:internal|amazonaws\.com)/.exec(node_name ?? '')?.[1] ?? (node_name?.endsWith('.ec2.internal') === true ? 'us-east-1' : null)))
  found.delete(null)
  const [region] = found
  return found.size === 1 ? (region ?? null) : null
}

/** What was not observed, and how to observe it. */
export interface Gap {
  what: string
  advice: string | null
  /** Waiting until then closes it, too. */
  until: string | null
  command: string | null
}

type Closing = Partial<Omit<Gap, 'what'>>

const WEEK_MS = 7 * 86_400_000

/** When a week will have been observed. */
function weekOf(row: NodeRole): string | null {
  return row.observed_from === null ? null : new Date(Date.parse(row.observed_from) + WEEK_MS).toISOString()
}

/** The command that reads the days that a text names; where it names none, with words in their place. */
function readDays(text: string): string {
  const days = text.match(/\d{4}-\d\d-\d\d/g)?.toSorted() ?? []
  return `podtrail ingest SOURCE --from ${days[0] ?? 'FIRST_DAY'} --to ${days.at(-1) ?? 'LAST_DAY'}`
}

/** Beginnings of the texts of column `not_observed`, each with what to do. */
const CLOSING: readonly [RegExp, (row: NodeRole, text: string) => Closing][] = [
  [/^no inventory/, () => ({ advice: 'Import the pods, by this or with podtrail inventory import from the output of kubectl.', command: 'podtrail inventory collect' })],
  [/^less than 7 days of trail/, (row) => ({ advice: 'Read older log files of the trail.', until: weekOf(row), command: 'podtrail ingest SOURCE --from -7d' })],
  [/^its nodes were seen for less than 7 days/, (row) => (row.observed_from === null ? { advice: 'Wait until they were seen for 7 days.' } : { until: weekOf(row) })],
  [/^\d+ days? without records/, (_, text) => ({ advice: 'Read the log files of these days, which Ingestion names.', command: readDays(text) })],
  [/^no data events/, () => ({ advice: 'Let the trail record data events, at least for a week, of the buckets, tables and queues that pods may use.' })],
  [/^calls that may be/, (row) => ({ advice: `${counted(row.unknown_calls ?? 0, 'call')} fit both. Nodes shows where they were made.` })],
  [/instances? that gave credentials by IMDSv1/, () => ({ advice: 'Find what asks without a token (CloudWatch metric MetadataNoToken of the instances), and update it.' })],
  [/^no call of its nodes/, () => ({ advice: 'Let the trail of its account be read, or wait until its nodes run.' })],
  [/instances? whose metadata options/, () => ({ advice: 'Import the output of aws ec2 describe-instances, with podtrail inventory import or by this.', command: 'podtrail inventory collect' })],
]

/** The column joins its texts with semicolons. */
export function gaps(row: NodeRole): Gap[] {
  return (row.not_observed ?? '')
    .split('; ')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const closing = CLOSING.find(([pattern]) => pattern.test(text))?.[1](row, text)
      return { what: `${sentenceStart(text)}.`, advice: null, until: null, command: null, ...closing }
    })
}

function sentenceStart(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** A length of time; days count only whole, since a week is what matters. */
export function length(seconds: number): string {
  const hours = Math.floor(seconds / 3600)
  return hours < 72 ? counted(hours, 'hour') : counted(Math.floor(hours / 24), 'day')
}

export function nodegroups(row: Pick<NodeRole, 'nodegroups'>): string[] {
  return items(row.nodegroups)
}
