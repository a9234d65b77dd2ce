// What the role page tells of a role beyond its row.
import type { Schemas } from '../../api/client'
import { arnName, items, service } from '../../format'
import type { Tone } from '../../terms'
import type { FlowRow } from './flow'

export type RoleRow = Schemas['RoleRow']

/** A row of the report `unused`. */
export interface Finding {
  finding: 'unused' | 'shared' | 'wildcard_trust'
  mechanism: string
  role_arn: string
  cluster: string | null
  namespace: string | null
  service_account: string | null
  proof: string
  service_accounts_of_role: number
  observed_from: string | null
  observed_to: string | null
}

export const ROLE_KINDS: Record<string, { name: string; meaning: string }> = {
  workload: { name: 'Workload', meaning: 'Pods use it, by a binding or by assuming it from another role.' },
  node_role: { name: 'Node role', meaning: 'Role of nodes. Every pod that reaches the metadata service of its node can use it.' },
  cluster_role: { name: 'Cluster role', meaning: 'EKS itself uses it, for the control plane.' },
  cluster_admin: { name: 'Cluster administrator', meaning: 'People or tools with this role may do everything in the cluster: it has the access policy AmazonEKSClusterAdminPolicy, or aws-auth puts it into the group system:masters.' },
  cluster_access: { name: 'Cluster access', meaning: 'People or tools with this role can use the Kubernetes API, by an access entry or by aws-auth; Kubernetes decides what they may do.' },
  cluster_creation: { name: 'Cluster creator', meaning: 'It made the cluster.' },
  fargate_execution_role: { name: 'Fargate execution role', meaning: 'Fargate pulls images and sends logs with it.' },
  eks_service_linked_role: { name: 'EKS service-linked role', meaning: 'EKS uses it by itself, to manage what belongs to clusters.' },
}

export const WILDCARD_MEANING =
  'The trust policy names no single service account: every pod, of some namespace or of the whole cluster, that gives itself a fitting service account can have this role. Name namespace and service account in the condition on “sub”.'

/** What proves a role to be of nodes, for the proofs that are the names of signs in the trail. */
const PROOFS: Record<string, string> = {
  assume_role_for_pod_identity: 'the Pod Identity Agent called AssumeRoleForPodIdentity with it',
  vpc_cni: 'the VPC CNI plugin called with it',
  kubelet_authentication: 'sessions of it authenticate as a kubelet does',
  CreateNodegroup: 'the call CreateNodegroup names it',
  CreateFargateProfile: 'the call CreateFargateProfile names it',
}

/** What a role is known from, in words. Texts that are words already stay as they are. */
export function proofText(proof: string | null): string | null {
  if (proof === null) {
    return null
  }
  const [, type] = /^CreateAccessEntry of type (.+)$/.exec(proof) ?? []
  return PROOFS[proof] ?? (type === undefined ? proof : `the call CreateAccessEntry names it, as of type ${type}`)
}

/** Kinds of a role: there may be several. */
export function kindsOf(role: RoleRow): string[] {
  return items(role.kind)
}

/** Finds the service account in a binding, `CLUSTER/NAMESPACE/NAME`; null for patterns, which leave parts out. */
export function bindingOf(text: string): { cluster: string; namespace: string; serviceAccount: string } | null {
  // A cluster known by its issuer only, or by its ARN, has slashes of its own.
  const [, cluster, namespace, serviceAccount] = /^([^/]+|.+\/id\/[^/]+|arn:[^/]+:cluster\/[^/]+)\/([^/*?]+)\/([^/*?]+)$/.exec(text) ?? []
  return cluster === undefined || namespace === undefined || serviceAccount === undefined ? null : { cluster, namespace, serviceAccount }
}

/** Clusters by role: those that its row names, of its bindings, and those whose workloads used it. */
export function clustersByRole(roles: readonly RoleRow[], flows: readonly FlowRow[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>()
  for (const role of roles) {
    const bound = items(role.bound_to).flatMap((text) => (role.wildcard_trust ? [] : (bindingOf(text)?.cluster ?? [])))
    found.set(role.role_arn ?? '', new Set([...items(role.clusters), ...bound]))
  }
  for (const flow of flows) {
    if (flow.cluster !== null) {
      found.get(flow.role_arn ?? '')?.add(flow.cluster)
    }
  }
  return new Map([...found].map(([arn, clusters]) => [arn, [...clusters].toSorted()]))
}

/** Tells whether several service accounts used a role, or may use it. */
export function isShared(role: RoleRow): boolean {
  return (role.used_by ?? 0) > 1 || (role.bindings ?? 0) > 1
}

export function isUnused(role: RoleRow): boolean {
  return (role.calls ?? 0) === 0
}

export interface RoleFilter {
  cluster: string | null
  kind: string | null
  event_source: string | null
  shared: boolean
  unused: boolean
  q: string | null
}

export function filterRoles(roles: readonly RoleRow[], flows: readonly FlowRow[], clusters: Map<string, string[]>, filter: RoleFilter): RoleRow[] {
  const words = (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const ofService = filter.event_source === null ? null : new Set(flows.filter((flow) => flow.event_source === filter.event_source).map((flow) => flow.role_arn))
  return roles.filter((role) => {
    const text = [role.role_arn, role.bound_to, role.kind, role.proof].join(' ').toLowerCase()
    return (
      (filter.cluster === null || (clusters.get(role.role_arn ?? '') ?? []).some((one) => one === filter.cluster || arnName(one) === filter.cluster)) &&
      (filter.kind === null || kindsOf(role).includes(filter.kind)) &&
      (ofService === null || ofService.has(role.role_arn)) &&
      (!filter.shared || isShared(role)) &&
      (!filter.unused || isUnused(role)) &&
      words.every((word) => text.includes(word))
    )
  })
}

/** What a number of service accounts that used a role means. */
export function sharedBadge(role: RoleRow): { tone: Tone; text: string; title: string } | null {
  if (!isShared(role)) {
    return null
  }
  return kindsOf(role).includes('node_role')
    ? { tone: 'bad', text: 'fallback', title: 'These service accounts use the role of their node: each should have a role of its own.' }
    : { tone: 'warn', text: 'shared', title: `Several service accounts use ${arnName(role.role_arn)}, or may: what one needs, all are granted, and the trail of the role does not tell them apart.` }
}

export const FINDINGS: Record<Finding['finding'], { name: string; meaning: string; remedy: string }> = {
  wildcard_trust: {
    name: 'Trust that lets in more than named service accounts',
    meaning: 'Whoever can make a service account or a pod that fits the pattern can have the role. This is the finding to act on first.',
    remedy: 'Replace the pattern in the condition on “sub” by system:serviceaccount:NAMESPACE:NAME, with StringEquals, for those listed as users on the role’s page.',
  },
  unused: {
    name: 'Bindings that were never used',
    meaning: 'The service account may use the role, and no call of it with this role is in the store.',
    remedy: 'If nobody needs it: delete the Pod Identity association, or take the service account out of the trust policy and its annotation. Then delete the role if nothing else is bound to it.',
  },
  shared: {
    name: 'Roles that several service accounts may use',
    meaning: 'Each has the permissions of all, and a leaked token of one is worth as much as that of any other.',
    remedy: 'Make a role for each service account; the page of a workload has a policy from the calls it made.',
  },
}

export const FINDING_ORDER = ['wildcard_trust', 'unused', 'shared'] as const

/** What the calls with a role say about a binding that was not used. */
export function hint(finding: Finding, role: RoleRow | undefined): string | null {
  if (finding.finding !== 'unused' || role === undefined || (role.calls ?? 0) === 0) {
    return null
  }
  return role.denied === role.calls
    ? 'Another identity asked for the role and was always refused: the binding may name the wrong service account.'
    : 'The role is in use, by others than this service account.'
}

/** What findings rest on: the trail of an account, of several the shortest; null where the store holds no calls of any. */
export function observed(findings: readonly Pick<Finding, 'observed_from' | 'observed_to'>[]): { from: string; to: string; days: number } | null {
  const spans = findings.flatMap(({ observed_from: from, observed_to: to }) =>
    from === null || to === null ? [] : [{ from, to, days: (Date.parse(to) - Date.parse(from)) / 86_400_000 }],
  )
  return spans.toSorted((a, b) => a.days - b.days)[0] ?? null
}

/** A service account and how it had a role, with what it called. */
export interface RoleUser {
  cluster: string | null
  namespace: string | null
  service_account: string | null
  access_path: string | null
  services: string[]
  calls: number
  denied: number
}

export function userKey(user: Pick<RoleUser, 'cluster' | 'namespace' | 'service_account' | 'access_path'>): string {
  return JSON.stringify([user.cluster, user.namespace, user.service_account, user.access_path])
}

/** Adds up the calls of each user; the services are in the order of their calls, as the flows are. */
export function usersOf(flows: readonly FlowRow[]): RoleUser[] {
  const users = new Map<string, RoleUser>()
  for (const flow of flows) {
    const { cluster, namespace, service_account, access_path } = flow
    const key = userKey(flow)
    const user = users.get(key) ?? { cluster, namespace, service_account, access_path, services: [], calls: 0, denied: 0 }
    const name = service(flow.event_source)
    if (!user.services.includes(name)) {
      user.services.push(name)
    }
    user.calls += flow.calls ?? 0
    user.denied += flow.denied ?? 0
    users.set(key, user)
  }
  return [...users.values()]
}
