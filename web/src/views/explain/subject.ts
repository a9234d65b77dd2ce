// What a pasted text names, by its form alone: as the service tells it, and what the service cannot explain.

export type Subject =
  | { kind: 'event'; id: string }
  | { kind: 'access_key'; id: string }
  | { kind: 'service_account'; id: string; cluster: string; namespace: string; serviceAccount: string; pod: null }
  | { kind: 'pod'; id: string; cluster: string; namespace: string; serviceAccount: string; pod: string }
  | { kind: 'role'; id: string }
  | { kind: 'role_session'; id: string; session: string }
  | { kind: 'identity'; id: string }
  | { kind: 'incomplete'; text: string }

/** What the service can explain. */
export type Asked = Extract<Subject, { id: string }>

export const KINDS: Record<Subject['kind'], string> = {
  event: 'Event',
  access_key: 'Access key',
  service_account: 'Service account',
  pod: 'Pod',
  role: 'IAM role',
  role_session: 'Role session',
  identity: 'Identity',
  incomplete: 'Incomplete name',
}

export function subject(given: string): Subject {
  const text = given.trim()
  if (text.startsWith('arn:')) {
    return arn(text)
  }
  if (/^A[KS]IA[A-Za-z0-9]{12,}$/.test(text)) {
    return { kind: 'access_key', id: text }
  }
  const parts = text.split('/')
  // An OIDC issuer stands for a cluster without a name, and has slashes of its own: HOST/id/ID.
  const own = parts[1] === 'id' && parts.length >= 5 ? 3 : 1
  const cluster = parts.slice(0, own).join('/')
  const [namespace = '', serviceAccount = '', pod] = parts.slice(own)
  const rest = parts.length - own
  if (rest === 2 || rest === 3) {
    return workload(text, cluster, namespace, serviceAccount, pod)
  }
  return rest === 1 ? { kind: 'incomplete', text } : { kind: 'event', id: text }
}

function workload(id: string, cluster: string, namespace: string, serviceAccount: string, pod: string | undefined): Subject {
  return pod === undefined
    ? { kind: 'service_account', id, cluster, namespace, serviceAccount, pod: null }
    : { kind: 'pod', id, cluster, namespace, serviceAccount, pod }
}

function arn(id: string): Subject {
  // A cluster is called by its ARN where several have its name.
  const ofCluster = /^(arn:[^:]*:eks:[^:]*:[^:]*:cluster\/[^/]+)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(id)
  if (ofCluster !== null) {
    const [, cluster = '', namespace = '', serviceAccount = '', pod] = ofCluster
    return workload(id, cluster, namespace, serviceAccount, pod)
  }
  if (/^arn:[^:]*:iam::\d*:role\//.test(id)) {
    return { kind: 'role', id }
  }
  const session = /^arn:[^:]*:sts::\d*:assumed-role\/[^/]+\/(.+)$/.exec(id)?.[1]
  return session === undefined ? { kind: 'identity', id } : { kind: 'role_session', id, session }
}

/** The id that the service explains; null where it explains none of this kind. */
export function explainedId(one: Subject): string | null {
  return 'id' in one ? one.id : null
}
