// Words of the field for the values that the API uses.

export const ACCESS_PATHS: Record<string, string> = {
  irsa: 'IRSA',
  pod_identity: 'EKS Pod Identity',
  node_role: 'Node role',
  cluster_role: 'Cluster role',
  fargate_execution_role: 'Fargate execution role',
  kube2iam: 'kube2iam',
  kiam: 'kiam',
  eks_service_linked_role: 'EKS service-linked role',
}

export const ACTORS: Record<string, string> = {
  workload: 'Workload',
  node_agent: 'Node agent',
  control_plane: 'Control plane',
  unknown: 'Unknown',
}

export const CONFIDENCES: Record<string, string> = {
  exact: 'Exact',
  inferred: 'Inferred',
  candidate: 'Candidate',
  unknown: 'Unknown',
}

export const CONFIDENCE_MEANING: Record<string, string> = {
  exact: 'The records, or an address, name it.',
  inferred: 'Only one identity fits.',
  candidate: 'The best of several guesses, ranked.',
  unknown: 'It cannot be told; the evidence says why.',
}

/** What a caller is called of which it is not known which pod it was. */
export const UNKNOWN_POD = 'Unknown pod'

/** How sure it is who called. Of a guess among pods that is not even told to a service account nothing is known. */
export function confidenceOf(call: { actor: string | null; service_account: string | null; confidence: string | null }): string | null {
  return call.confidence === 'candidate' && call.actor === 'workload' && call.service_account === null ? 'unknown' : call.confidence
}

/** Causes of a fallback: name, and what it means. */
export const CAUSES: Record<string, { name: string; meaning: string }> = {
  no_binding: {
    name: 'No binding',
    meaning: 'The service account has neither a role annotation (IRSA) nor a Pod Identity association.',
  },
  pod_predates_binding: {
    name: 'Pod predates binding',
    meaning: 'The binding was made after the pod started: the pod has to be replaced to get it.',
  },
  trust_denied: { name: 'Trust policy denies', meaning: 'The role’s trust policy refused the service account.' },
  oidc_provider_missing: {
    name: 'OIDC provider missing',
    meaning: 'The account has no IAM OIDC provider for the cluster’s issuer.',
  },
  sdk_too_old: { name: 'SDK too old', meaning: 'The SDK of the pod does not know the credential provider of its binding.' },
  association_missing_agent: {
    name: 'Pod Identity Agent missing',
    meaning: 'There is an association, and no EKS Pod Identity Agent on the node.',
  },
  host_network: { name: 'Host network', meaning: 'The pod is on the host’s network: hop limit 1 does not keep it from IMDS.' },
  container_skipped: { name: 'Container skipped', meaning: 'The webhook left this container out.' },
  unknown: { name: 'Unknown', meaning: 'The records and the inventory do not tell why.' },
}

export const HOP_LIMIT: Record<string, { name: string; tone: Tone; meaning: string }> = {
  safe: { name: 'Safe', tone: 'good', meaning: 'No workload was seen to depend on the node role.' },
  breaks: { name: 'Breaks workloads', tone: 'bad', meaning: 'Workloads use the node role through IMDS and would lose it.' },
  unknown: { name: 'Unknown', tone: 'warn', meaning: 'Too little was observed to say.' },
}

/** Why a call is not an identity's of a cluster. */
export const REASONS: Record<string, string> = {
  role_session_of_no_known_workload: 'Role session of no known workload',
  instance_of_no_known_cluster: 'Instance of no known cluster',
  aws_service: 'AWS service',
  session_older_than_store: 'Session older than the store',
  iam_user: 'IAM user',
  other_web_identity: 'Other web identity (GitHub, …)',
  saml_user: 'SAML user',
  root_user: 'Root user',
  no_identity: 'No identity in the record',
  other_identity: 'Other identity',
}

export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'mute'

export const CONFIDENCE_TONE: Record<string, Tone> = {
  exact: 'good',
  inferred: 'info',
  candidate: 'warn',
  unknown: 'mute',
}

/** One series of calls: an access path, of the node role split by actor. The order is that of stacks and legends. */
export const PATH_SERIES = [
  'irsa',
  'pod_identity',
  'node_role-workload',
  'node_role-unknown',
  'node_role-node_agent',
  'kube2iam',
  'kiam',
  'fargate_execution_role',
  'cluster_role',
  'eks_service_linked_role',
] as const
export type PathSeries = (typeof PATH_SERIES)[number]

export const PATH_SERIES_NAMES: Record<PathSeries, string> = {
  irsa: 'IRSA',
  pod_identity: 'EKS Pod Identity',
  'node_role-workload': 'Node role: workloads',
  'node_role-unknown': 'Node role: unknown',
  'node_role-node_agent': 'Node role: node agents',
  kube2iam: 'kube2iam',
  kiam: 'kiam',
  fargate_execution_role: 'Fargate execution role',
  cluster_role: 'Cluster role',
  eks_service_linked_role: 'EKS service-linked role',
}

/** The CSS variable with the colour of a series. */
export const PATH_SERIES_COLOUR: Record<PathSeries, string> = {
  irsa: '--path-irsa',
  pod_identity: '--path-pod-identity',
  'node_role-workload': '--path-node-workload',
  'node_role-unknown': '--path-node-unknown',
  'node_role-node_agent': '--path-node-agent',
  kube2iam: '--path-kube2iam',
  kiam: '--path-kiam',
  fargate_execution_role: '--path-fargate',
  cluster_role: '--path-cluster-role',
  eks_service_linked_role: '--path-service-linked',
}

export function pathSeries(accessPath: string | null | undefined, actor: string | null | undefined): PathSeries | null {
  if (accessPath === 'node_role') {
    return actor === 'workload' || actor === 'node_agent' ? `node_role-${actor}` : 'node_role-unknown'
  }
  return PATH_SERIES.find((series) => series === accessPath) ?? null
}

/** A value's name; an unknown value as it is, in words. */
export function term(names: Record<string, string>, value: string | null | undefined): string {
  if (value === null || value === undefined) {
    return '–'
  }
  return names[value] ?? value.replaceAll('_', ' ')
}
