// What the pages of nodes tell of a node beyond its row.
import type { Schemas } from '../../api/client'
import type { Tone } from '../../terms'

export type NodeRow = Schemas['NodeRow']

export interface Said {
  tone: Tone
  text: string
  title: string
}

/** What a hop limit lets through. */
export function hopLimit(limit: number | null): Said {
  if (limit === null) {
    return { tone: 'mute', text: 'unknown', title: 'Neither the inventory nor the trail tells the hop limit of this instance.' }
  }
  return limit <= 1
    ? { tone: 'good', text: `${limit}: pods kept out`, title: 'Pods do not reach the metadata service, but for those on the host’s network.' }
    : { tone: 'warn', text: `${limit}: open to pods`, title: 'Every pod on the node reaches the metadata service, and so the role of the node.' }
}

export function httpTokens(tokens: string | null): Said {
  switch (tokens) {
    case null:
      return { tone: 'mute', text: 'unknown', title: 'Neither the inventory nor the trail tells it.' }
    case 'required':
      return { tone: 'good', text: 'required', title: 'IMDSv2 only: a session token is required.' }
    case 'optional':
      return { tone: 'warn', text: 'optional', title: 'IMDSv1 is answered too: a request that a server can be tricked into gets the role’s credentials.' }
    default:
      return { tone: 'mute', text: tokens, title: tokens }
  }
}

/** A node is in a row for each role that it used. */
export function nodeKey(row: NodeRow): string {
  return JSON.stringify([row.cluster, row.node, row.role_arn])
}

export interface NodeFilter {
  nodegroup: string | null
  fallbacks: boolean
  q: string | null
}

export function filterNodes(rows: readonly NodeRow[], filter: NodeFilter): NodeRow[] {
  const words = (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => {
    const text = [row.node, row.node_name, row.nodegroup, row.role_arn, row.cluster].join(' ').toLowerCase()
    return (
      (filter.nodegroup === null || row.nodegroup === filter.nodegroup) && (!filter.fallbacks || (row.fallback_calls ?? 0) > 0) && words.every((word) => text.includes(word))
    )
  })
}

/** Numbers of nodes; one with several roles counts once. */
export function nodeFigures(rows: readonly NodeRow[]) {
  const number = (fits: (row: NodeRow) => boolean) => new Set(rows.filter(fits).map((row) => row.node)).size
  return {
    nodes: number(() => true),
    running: number((row) => row.valid_to === null),
    fallbacks: number((row) => (row.fallback_calls ?? 0) > 0),
    open: number((row) => (row.hop_limit ?? 0) > 1),
    hopUnknown: number((row) => row.hop_limit === null),
    imdsV1: number((row) => row.http_tokens === 'optional'),
    tokensUnknown: number((row) => row.http_tokens === null),
    noAgent: number((row) => !row.pod_identity_agent),
    fallbackCalls: rows.reduce((sum, row) => sum + (row.fallback_calls ?? 0), 0),
    calls: rows.reduce((sum, row) => sum + (row.calls ?? 0), 0),
  }
}

/** The nodes with most calls, the roles of one added up. */
export function busiest(rows: readonly NodeRow[], most: number) {
  const nodes = new Map<string, { node: string; name: string | null; cluster: string | null; workloads: number; unknown: number; agents: number; calls: number }>()
  for (const row of rows) {
    if (row.node !== null && (row.calls ?? 0) > 0) {
      const one = nodes.get(row.node) ?? { node: row.node, name: row.node_name, cluster: row.cluster, workloads: 0, unknown: 0, agents: 0, calls: 0 }
      one.workloads += row.fallback_calls ?? 0
      one.unknown += row.unknown_calls ?? 0
      one.agents += row.node_agent_calls ?? 0
      one.calls += row.calls ?? 0
      nodes.set(row.node, one)
    }
  }
  return [...nodes.values()].toSorted((a, b) => b.calls - a.calls || a.node.localeCompare(b.node)).slice(0, most)
}
