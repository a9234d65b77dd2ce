// All views, with addresses that show something on the demo.
import { api } from './browser'

export interface View {
  name: string
  path: string
  heading: string | RegExp
}

/** A workload of the demo that has a role, and calls. */
export const WORKLOAD = { cluster: 'myeks', namespace: 'shop', serviceAccount: 'orders' } as const

interface Ids {
  node: string
  event: string
}

async function ids(): Promise<Ids> {
  const nodes = await api<{ items: { node: string; fallback_calls: number }[] }>('/api/v1/nodes?cluster=myeks')
  const events = await api<{ items: { event_id: string }[] }>('/api/v1/events?cluster=myeks&namespace=shop&service_account=orders&limit=1')
  const node = nodes.items.toSorted((a, b) => b.fallback_calls - a.fallback_calls)[0]?.node
  const event = events.items[0]?.event_id
  if (node === undefined || event === undefined) {
    throw new Error('the demo has no node or no event')
  }
  return { node, event }
}

export const NAMES = [
  'overview',
  'fallbacks',
  'readiness',
  'workloads',
  'workload',
  'roles',
  'nodes',
  'node',
  'explain',
  'sql',
  'ingestion',
] as const
export type ViewName = (typeof NAMES)[number]

/** Views by name. */
export async function views(): Promise<Record<ViewName, View>> {
  const { node, event } = await ids()
  const { cluster, namespace, serviceAccount } = WORKLOAD
  const list: Record<ViewName, Omit<View, 'name'>> = {
    overview: { path: '/', heading: 'Overview' },
    fallbacks: { path: '/fallbacks', heading: 'Fallbacks' },
    readiness: { path: '/readiness', heading: 'Readiness' },
    workloads: { path: '/workloads', heading: 'Workloads' },
    workload: { path: `/workloads/${cluster}/${namespace}/${serviceAccount}`, heading: new RegExp(`${namespace}/${serviceAccount}`) },
    roles: { path: '/roles', heading: 'Roles' },
    nodes: { path: '/nodes', heading: 'Nodes' },
    node: { path: `/nodes/${node}`, heading: new RegExp(node) },
    explain: { path: `/explain?id=${event}`, heading: 'Explain' },
    sql: { path: '/sql', heading: 'SQL' },
    ingestion: { path: '/ingestion', heading: 'Ingestion' },
  }
  return Object.fromEntries(NAMES.map((name) => [name, { name, ...list[name] }])) as Record<ViewName, View>
}
