// Where a fact can be looked up that is no record: pages of podtrail, and rows of the inventory by SQL.
import { arnName, words } from '../format'
import { rowsOf, sqlText } from '../statements'
import { workloadPath } from './basics'
import type { Fact } from './Evidence'

/** A link to it. */
export interface Source {
  label: string
  path: string
  extra?: Record<string, string | null>
}

/** What the facts are about, as far as it is known. */
export interface About {
  cluster: string | null
  namespace: string | null
  serviceAccount: string | null
  pod: string | null
  /** By instance id. */
  node: string | null
  role: string | null
  /** When the call was made. */
  time: string | null
  /** The record of the call itself. */
  event: string | null
}

/** Reads it from a row of `attribution` or `fallbacks`; of several pods and nodes the first one counts. */
export function aboutOf(row: Readonly<Record<string, unknown>> | null | undefined): About {
  const text = (name: string) => {
    const value = row?.[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  return {
    cluster: text('cluster'),
    namespace: text('namespace'),
    serviceAccount: text('service_account'),
    pod: text('pod') ?? words(text('pods'))[0] ?? null,
    node: text('node') ?? words(text('nodes'))[0] ?? null,
    role: text('role_arn'),
    time: text('event_time'),
    event: text('event_id'),
  }
}

/** The role and the node that a fact names in its text. */
export function references(fact: Fact): { role: string | null; node: string | null } {
  const detail = fact.detail ?? ''
  return {
    role: /\barn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]*\w/.exec(detail)?.[0] ?? null,
    node: /\bi-[0-9a-f]{8,17}\b/.exec(detail)?.[0] ?? null,
  }
}

/** The rows of a statement. */
export const sql = (label: string, q: string): Source => ({ label, path: '/sql', extra: { q } })
/** The rows of a view that have these values. */
export const rows = (view: string, values: Record<string, string>, order?: string) => sql(`Rows of ${view}`, rowsOf(view, values, order))
/** The rows of a view about a role. */
export const ofRole = (view: string, role: string | null): Source[] => (role === null ? [] : [sql(`Rows of ${view}`, sqlText.ofRole(view, role))])
const roleCard = (arn: string): Source => ({ label: `Role ${arnName(arn)}`, path: '/roles', extra: { role_arn: arn } })
const nodePage = (id: string): Source => ({ label: `Node ${id}`, path: `/nodes/${encodeURIComponent(id)}` })

/** `list` is the whole evidence that the fact is of. */
type Make = (about: About, fact: Fact, list: readonly Fact[]) => Source[]

/** Its page, and rows of views about the service account. */
function ofAccount(...views: string[]): Make {
  return ({ cluster, namespace, serviceAccount }) =>
    cluster === null || namespace === null || serviceAccount === null
      ? []
      : [
          { label: `Workload ${namespace}/${serviceAccount}`, path: workloadPath(cluster, namespace, serviceAccount) },
          ...views.map((view) => rows(view, { cluster, namespace, service_account: serviceAccount }, 'valid_from DESC')),
        ]
}

/** The pod's story, and its rows of the inventory. */
const ofPod: Make = (about, fact, list) => {
  const { cluster, namespace, serviceAccount, pod } = about
  return cluster === null || namespace === null || serviceAccount === null || pod === null
    ? ofAccount('pods')(about, fact, list)
    : [{ label: `Pod ${pod}`, path: '/explain', extra: { id: [cluster, namespace, serviceAccount, pod].join('/') } }, rows('pods', { cluster, namespace, pod }, 'valid_from DESC')]
}

const onNode: Make = ({ node, time }) => (node === null ? [] : [nodePage(node), ...(time === null ? [] : [sql('Pods that were on it', sqlText.podsOn(node, time))])])

const ofRecord: Make = ({ event }) => (event === null ? [] : [sql('The whole record', sqlText.event(event))])

const ofIssuer: Make = (about, fact, list) => {
  const issuer = /\b[\w-]+(?:\.[\w-]+)+(?:\/[\w-]+)*/.exec(fact.detail ?? '')?.[0]
  return [...(issuer === undefined ? [] : [rows('clusters', { oidc_issuer: issuer })]), ...ofRecord(about, fact, list)]
}

/** By kind of fact, of those that have no record; see docs/attribution.md. */
const SOURCES: Record<string, Make> = {
  // Of a call.
  inventory: (about, fact, list) => {
    const cluster = /^the inventory of cluster (\S+) shows/.exec(fact.detail ?? '')?.[1]
    return cluster !== undefined ? [rows('clusters', { cluster })] : ofAccount(fact.detail?.startsWith('association') === true ? 'pod_identity_associations' : 'pods')(about, fact, list)
  },
  not_eks: ofIssuer,
  node_role: ({ role }) => ofRole('node_roles', role),
  node_cluster: ({ node }) => (node === null ? [] : [nodePage(node), rows('nodes', { instance_id: node }), rows('instances', { instance_id: node })]),
  node_agent_rule: (_, fact) => [rows('node_agent_rules', { name: fact.detail?.split(',')[0] ?? '' })],
  no_rule: (about, fact, list) => [rows('node_agent_rules', {}, 'name'), ...ofRecord(about, fact, list)],
  cluster_role: ({ cluster }) => (cluster === null ? [] : [rows('clusters', { cluster })]),
  principal: ofRecord,
  unissued: ofRecord,
  several_sessions: ofRecord,
  service_linked: ofRecord,
  service: ofRecord,
  pod_identity_role: ({ role }) => ofRole('role_bindings', role),
  oidc_provider: ofIssuer,
  sole_binding: ({ role }) => (role === null ? [] : [roleCard(role), ...ofRole('role_bindings', role)]),
  fargate_role: ({ role }) => (role === null ? [] : [sql('Rows of fargate_roles', sqlText.fargateRole(role))]),
  pod_address: (about, fact, list) => {
    const [, address, pod] = /^(\S+) was the address of pod (\S+)$/.exec(fact.detail ?? '') ?? []
    return address === undefined || pod === undefined ? ofPod(about, fact, list) : [rows('pods', { pod_ip: address, pod }, 'valid_from DESC')]
  },
  imds_credentials: ofRecord,
  hybrid_node: onNode,
  candidates: onNode,
  only_candidate: onNode,
  forwarded_for: ({ node, time }) => (node === null || time === null ? [] : [nodePage(node), sql('Its calls at that moment', sqlText.beside(node, time))]),
  // Of a fallback.
  trust_policy: (_about, _fact, list) => {
    // It is of the role that refused the service account.
    const { role } = references(list.find((one) => one.fact === 'refused') ?? { fact: '' })
    return role === null ? [] : [roleCard(role), ...ofRole('roles', role)]
  },
  no_binding: ofAccount('service_accounts', 'pod_identity_associations', 'pods'),
  association: ofAccount('pod_identity_associations', 'pods'),
  annotation: ofAccount('service_accounts', 'pods'),
  no_cause: ofAccount('service_accounts', 'pod_identity_associations', 'pods'),
  not_injected: ofAccount('service_accounts', 'pod_identity_associations', 'pods'),
  sdk: (about, fact, list) => {
    const { cluster, namespace, serviceAccount } = about
    const agents = cluster === null || namespace === null || serviceAccount === null ? [] : [sql('Its user agents', sqlText.userAgents(cluster, namespace, serviceAccount))]
    return [...ofAccount('pods')(about, fact, list), ...agents]
  },
  host_network: ofPod,
  skip_containers: ofPod,
  // The node is none of those whose agent was seen.
  no_agent: (about, fact, list) => [...ofAccount('pod_identity_associations', 'pods')(about, fact, list), rows('pod_identity_agents', {}, 'node')],
}

/** Where a fact of an evidence can be looked up, besides its record. */
export function sourcesOf(fact: Fact, about: About, list: readonly Fact[]): Source[] {
  const { role, node } = references(fact)
  const recorded = fact.event_id !== null && fact.event_id !== undefined
  const found = [
    ...(fact.sources ?? []),
    ...(recorded ? [] : (SOURCES[fact.fact]?.(about, fact, list) ?? [])),
    ...(role === null ? [] : [roleCard(role)]),
    ...(node === null ? [] : [nodePage(node)]),
  ]
  return found.filter((one, at) => found.findIndex((other) => other.label === one.label) === at)
}
