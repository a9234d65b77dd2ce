// Which workload used which role for which service, as nodes and links of a Sankey diagram.
import type { Schemas } from '../../api/client'
import { arnAccount, arnName, service } from '../../format'
import { PATH_SERIES_NAMES, pathSeries, UNKNOWN_POD, type PathSeries } from '../../terms'

export type FlowRow = Schemas['FlowRow']

export const KINDS_OF_NODE = ['cluster', 'account', 'role', 'service'] as const
export type KindOfNode = (typeof KINDS_OF_NODE)[number]

/** What a click on a node leads to; null where it stands for several things, or for what is not known. */
export type Target =
  | { kind: 'cluster'; cluster: string }
  | { kind: 'account'; cluster: string; namespace: string; serviceAccount: string }
  | { kind: 'role'; roleArn: string }
  | { kind: 'service'; eventSource: string }

export interface FlowNode {
  /** Unique in the diagram. */
  name: string
  depth: number
  label: string
  title: string
  calls: number
  denied: number
  /** The access path of most of its calls. */
  series: PathSeries | null
  target: Target | null
}

export interface FlowLink {
  source: string
  target: string
  value: number
  denied: number
  series: PathSeries | null
}

export interface Flow {
  nodes: FlowNode[]
  links: FlowLink[]
  /** How many things are summed as "other", by kind of node. */
  others: Record<KindOfNode, number>
}

/** Most nodes of a kind; what has fewer calls is summed. */
export type Most = Record<KindOfNode, number>

export const MOST: Most = { cluster: 12, account: 25, role: 25, service: 15 }

const OTHERS: Record<KindOfNode, [one: string, many: string]> = {
  cluster: ['other cluster', 'other clusters'],
  account: ['other service account', 'other service accounts'],
  role: ['other role', 'other roles'],
  service: ['other service', 'other services'],
}

/** All calls here are of workloads: the node role needs no "workloads" behind it. */
export function seriesName(series: PathSeries): string {
  return series === 'node_role-workload' ? 'Node role (fallback)' : PATH_SERIES_NAMES[series]
}

const LONGEST_LABEL = 38

/** Cuts a long name in its middle: what tells names apart is often at their end. */
export function middle(text: string, longest: number): string {
  if (text.length <= longest) {
    return text
  }
  const head = Math.ceil((longest - 1) / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (longest - 1 - head))}`
}

interface Place {
  key: string
  label: string
  title: string
  target: Target | null
}

function places(row: FlowRow): Record<KindOfNode, Place> {
  const { cluster, namespace, service_account: account, role_arn: role, event_source: source } = row
  const inCluster = cluster ?? 'cluster not known'
  return {
    cluster: { key: cluster ?? '', label: inCluster, title: inCluster, target: cluster === null ? null : { kind: 'cluster', cluster } },
    account:
      namespace === null || account === null
        ? { key: `${cluster ?? ''}/`, label: UNKNOWN_POD, title: `A workload of ${inCluster} that the records do not tell`, target: null }
        : {
            key: `${cluster ?? ''}/${namespace}/${account}`,
            label: `${namespace}/${account}`,
            title: `${namespace}/${account} in ${inCluster}`,
            target: cluster === null ? null : { kind: 'account', cluster, namespace, serviceAccount: account },
          },
    role: {
      key: role ?? '',
      label: role === null ? 'role not known' : arnName(role),
      title: role ?? 'The records do not tell the role',
      target: role === null ? null : { kind: 'role', roleArn: role },
    },
    service: {
      key: source ?? '',
      label: service(source),
      title: source ?? 'The records do not tell the service',
      target: source === null ? null : { kind: 'service', eventSource: source },
    },
  }
}

/** The keys that are shown by themselves. Those not known always are: they are not to vanish among others. */
function chosen(rows: readonly FlowRow[], kind: KindOfNode, most: number): { shown: Set<string>; others: number } {
  const calls = new Map<string, number>()
  const unknown = new Set<string>()
  for (const row of rows) {
    const place = places(row)[kind]
    if (kind === 'account' && row.service_account === null) {
      unknown.add(place.key)
    } else {
      calls.set(place.key, (calls.get(place.key) ?? 0) + (row.calls ?? 0))
    }
  }
  const ranked = [...calls].toSorted(([a, callsOfA], [b, callsOfB]) => callsOfB - callsOfA || a.localeCompare(b)).map(([key]) => key)
  // One that is left over says more by its name than as "1 other".
  const fits = ranked.length <= most + 1 ? ranked.length : most
  return { shown: new Set([...ranked.slice(0, fits), ...unknown]), others: ranked.length - fits }
}

/** Builds the diagram; rows without calls have no place in it. */
export function flowOf(rows: readonly FlowRow[], most: Most = MOST): Flow {
  const used = rows.filter((row) => (row.calls ?? 0) > 0)
  const choices = Object.fromEntries(KINDS_OF_NODE.map((kind) => [kind, chosen(used, kind, most[kind])])) as Record<KindOfNode, ReturnType<typeof chosen>>
  const nodes = new Map<string, FlowNode & { bySeries: Map<PathSeries | null, number> }>()
  const links = new Map<string, FlowLink>()

  for (const row of used) {
    const calls = row.calls ?? 0
    const denied = row.denied ?? 0
    const series = pathSeries(row.access_path, 'workload')
    const placesOfRow = places(row)
    const names = KINDS_OF_NODE.map((kind, depth) => {
      const place = placesOfRow[kind]
      const others = choices[kind].others
      const own = choices[kind].shown.has(place.key)
      const name = own ? `${kind}:${place.key}` : `${kind} others`
      const text = `${others} ${OTHERS[kind][others === 1 ? 0 : 1]}`
      const node = nodes.get(name) ?? {
        name,
        depth,
        label: own ? place.label : text,
        title: own ? place.title : `${text}, with fewer calls than those shown`,
        calls: 0,
        denied: 0,
        series: null,
        target: own ? place.target : null,
        bySeries: new Map(),
      }
      node.calls += calls
      node.denied += denied
      node.bySeries.set(series, (node.bySeries.get(series) ?? 0) + calls)
      nodes.set(name, node)
      return name
    })
    for (const [at, source] of names.slice(0, -1).entries()) {
      const target = names[at + 1] ?? ''
      const key = JSON.stringify([source, target, series])
      const link = links.get(key) ?? { source, target, value: 0, denied: 0, series }
      link.value += calls
      link.denied += denied
      links.set(key, link)
    }
  }

  return {
    nodes: distinct([...nodes.values()]).map(({ bySeries, ...node }) => ({ ...node, series: largest(bySeries) })),
    links: [...links.values()],
    others: Object.fromEntries(KINDS_OF_NODE.map((kind) => [kind, choices[kind].others])) as Record<KindOfNode, number>,
  }
}

function largest(bySeries: Map<PathSeries | null, number>): PathSeries | null {
  return [...bySeries].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

/** Adds cluster or account where labels of different things are the same, and cuts long ones. */
function distinct<Node extends FlowNode>(nodes: Node[]): Node[] {
  const times = new Map<string, number>()
  for (const node of nodes) {
    const key = `${node.depth} ${node.label}`
    times.set(key, (times.get(key) ?? 0) + 1)
  }
  return nodes.map((node) => {
    const twice = (times.get(`${node.depth} ${node.label}`) ?? 0) > 1
    const more = !twice ? null : node.target?.kind === 'account' ? node.target.cluster : node.target?.kind === 'role' ? arnAccount(node.target.roleArn) : null
    const label = more === null ? middle(node.label, LONGEST_LABEL) : `${middle(node.label, LONGEST_LABEL - 12)} · ${middle(more, 12)}`
    return { ...node, label }
  })
}

/** All calls of a service account with a role, over one access path. */
export interface FlowLine {
  key: string
  cluster: string
  account: Place
  role: Place
  series: PathSeries | null
  calls: number
  denied: number
  /** With calls of each, the most first. */
  services: { name: string; calls: number }[]
}

/** The same calls as lines of a list, the most first: for where the diagram has no room. */
export function flowLines(rows: readonly FlowRow[]): FlowLine[] {
  const lines = new Map<string, Omit<FlowLine, 'services'> & { byService: Map<string, number> }>()
  for (const row of rows) {
    const calls = row.calls ?? 0
    if (calls > 0) {
      const { cluster, account, role, service: used } = places(row)
      const key = JSON.stringify([account.key, role.key, row.access_path])
      const series = pathSeries(row.access_path, 'workload')
      const line = lines.get(key) ?? { key, cluster: cluster.label, account, role, series, calls: 0, denied: 0, byService: new Map() }
      line.calls += calls
      line.denied += row.denied ?? 0
      line.byService.set(used.label, (line.byService.get(used.label) ?? 0) + calls)
      lines.set(key, line)
    }
  }
  return [...lines.values()]
    .toSorted((a, b) => b.calls - a.calls || a.key.localeCompare(b.key))
    .map(({ byService, ...line }) => ({ ...line, services: [...byService].toSorted((a, b) => b[1] - a[1]).map(([name, calls]) => ({ name, calls })) }))
}
