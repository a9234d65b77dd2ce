// Which service account used which role: the list of workloads, and the fallbacks to node roles, which have a list of their own.
import type { Schemas } from '../../api/client'
import { words } from '../../format'
import { ACCESS_PATHS, term } from '../../terms'

/** A service account and a role that it used. */
export interface Use {
  cluster: string | null
  namespace: string | null
  service_account: string | null
  access_path: string | null
  role_arn: string | null
  hops: number | null
  confidence: string | null
  pods: number
  calls: number
  denied: number
  actions: number
  first_seen: string | null
  last_seen: string | null
  /** Fallbacks that the row is made of; none where the role was had on purpose. */
  fallbacks: Schemas['FallbackRow'][]
}

/** A service account with all that it used. */
export interface Account {
  cluster: string | null
  namespace: string | null
  service_account: string | null
  access_paths: string[]
  roles: number
  hops: number
  confidence: string | null
  calls: number
  denied: number
  first_seen: string | null
  last_seen: string | null
  /** Its fallbacks to a node role. */
  fallbacks: Schemas['FallbackRow'][]
}

interface Named {
  cluster: string | null
  namespace: string | null
  service_account: string | null
}

export function accountKey(row: Named): string {
  return JSON.stringify([row.cluster, row.namespace, row.service_account])
}

export function rowKeyOf(row: Use): string {
  return JSON.stringify([row.cluster, row.namespace, row.service_account, row.access_path, row.role_arn])
}

/** The least of several confidences: what holds for all. */
export function weakest(confidences: readonly (string | null)[]): string | null {
  const order = ['unknown', 'candidate', 'inferred', 'exact']
  return order.find((one) => confidences.includes(one)) ?? null
}

export function earliest(times: readonly (string | null)[]): string | null {
  return times.reduce((found, time) => (found === null || (time !== null && time < found) ? time : found), null)
}

export function latest(times: readonly (string | null)[]): string | null {
  return times.reduce((found, time) => (found === null || (time !== null && time > found) ? time : found), null)
}

export function sum(numbers: readonly (number | null)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}

export function groups<Row>(rows: readonly Row[], key: (row: Row) => string): Row[][] {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const name = key(row)
    const group = found.get(name)
    if (group === undefined) {
      found.set(name, [row])
    } else {
      group.push(row)
    }
  }
  return [...found.values()]
}

/** Whether a fallback is told to a service account. */
export function isNamed(row: Schemas['FallbackRow']): boolean {
  return row.service_account !== null
}

function fromWorkload(row: Schemas['WorkloadRow']): Use {
  return { ...row, calls: row.calls ?? 0, denied: row.denied ?? 0, fallbacks: [] }
}

function fromFallbacks(rows: Schemas['FallbackRow'][]): Use[] {
  const [first] = rows
  if (first === undefined) {
    return []
  }
  return [
    {
      cluster: first.cluster,
      namespace: first.namespace,
      service_account: first.service_account,
      access_path: 'node_role',
      role_arn: first.role_arn,
      hops: 0,
      confidence: weakest(rows.map((row) => row.confidence)),
      pods: new Set(rows.flatMap((row) => words(row.pods))).size,
      calls: sum(rows.map((row) => row.calls)),
      denied: sum(rows.map((row) => row.denied)),
      actions: new Set(rows.flatMap((row) => words(row.actions))).size,
      first_seen: earliest(rows.map((row) => row.first_seen)),
      last_seen: latest(rows.map((row) => row.last_seen)),
      fallbacks: rows,
    },
  ]
}

/** Both lists as one. A service account's fallbacks to one node role are one row, whichever of its controllers they are of. */
export function uses(workloads: readonly Schemas['WorkloadRow'][], fallbacks: readonly Schemas['FallbackRow'][]): Use[] {
  const named = fallbacks.filter(isNamed)
  return [...workloads.map(fromWorkload), ...groups(named, (row) => JSON.stringify([accountKey(row), row.role_arn])).flatMap(fromFallbacks)]
}

/** One row a service account. Its fallbacks stand with it even where the rows leave them out. */
export function accounts(rows: readonly Use[], fallbacks: readonly Schemas['FallbackRow'][]): Account[] {
  const falling = new Map(groups(fallbacks.filter(isNamed), accountKey).map((group) => [accountKey(group[0] as Named), group]))
  return groups(rows, accountKey).map((group) => {
    const first = group[0] as Use
    return {
      cluster: first.cluster,
      namespace: first.namespace,
      service_account: first.service_account,
      access_paths: [...new Set(group.map((row) => row.access_path ?? 'unknown'))].toSorted((a, b) => a.localeCompare(b, 'en')),
      roles: new Set(group.flatMap((row) => row.role_arn ?? [])).size,
      hops: Math.max(...group.map((row) => row.hops ?? 0)),
      confidence: weakest(group.map((row) => row.confidence)),
      calls: sum(group.map((row) => row.calls)),
      denied: sum(group.map((row) => row.denied)),
      first_seen: earliest(group.map((row) => row.first_seen)),
      last_seen: latest(group.map((row) => row.last_seen)),
      fallbacks: falling.get(accountKey(first)) ?? [],
    }
  })
}

const fits = (value: string | null, asked: string | undefined) => asked === undefined || value === asked

/** Rows with all of the values asked for: the list of fallbacks is not narrowed by them. */
export function narrowed(rows: readonly Use[], wanted: { access_path?: string; confidence?: string; role_arn?: string }): Use[] {
  return rows.filter(
    (row) => fits(row.access_path, wanted.access_path) && fits(row.confidence, wanted.confidence) && fits(row.role_arn, wanted.role_arn),
  )
}

/** Whether the texts together have all words of what is looked for. */
export function matches(looked: string | null, texts: readonly (string | null | undefined)[]): boolean {
  const text = texts.join(' ').toLowerCase()
  return words(looked?.toLowerCase()).every((word) => text.includes(word))
}

export function textsOf(row: Use): (string | null)[] {
  return [
    row.cluster,
    `${row.namespace ?? ''}/${row.service_account ?? ''}`,
    row.role_arn,
    row.access_path,
    term(ACCESS_PATHS, row.access_path),
  ]
}
