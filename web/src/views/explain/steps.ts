// The steps that lead from a pod to a call.
import { arnAccount, arnName, service } from '../../format'
import { ACCESS_PATHS, term } from '../../terms'
import { number, text, type Row } from './story'

/** A value of a step; where it leads, if anywhere. */
export interface Value {
  text: string
  to?: { path: string; extra?: Record<string, string | null> }
  mono?: boolean
  time?: boolean
  title?: string
}

export type StepKind = 'pod' | 'who' | 'binding' | 'session' | 'call' | 'issued'

export interface Step {
  key: string
  kind: StepKind
  /** What kind of thing it is. */
  title: string
  name: Value
  /** Said where the records do not tell what it is. */
  unknown?: boolean
  /** Said where it is the likeliest of several. */
  guess?: boolean
  failed?: boolean
  facts: [string, Value][]
}

const explained = (id: string): Value => ({ text: id, mono: true, to: { path: '/explain', extra: { id } } })
export const role = (arn: string): Value => ({ text: arnName(arn), title: arn, to: { path: '/roles', extra: { role_arn: arn } } })
export const node = (id: string): Value => ({ text: id, mono: true, to: { path: `/nodes/${encodeURIComponent(id)}` } })
export const at = (time: string): Value => ({ text: time, time: true })
export const plain = (value: string): Value => ({ text: value })

type Maybe = [string, Value | null]

export function known(facts: Maybe[]): [string, Value][] {
  return facts.filter((fact): fact is [string, Value] => fact[1] !== null)
}

export function on<T>(value: string | null, make: (value: string) => T): T | null {
  return value === null ? null : make(value)
}

/** Who a row of `attribution` or `sessions` names. */
export interface Who {
  cluster: string | null
  namespace: string | null
  serviceAccount: string | null
  pod: string | null
  node: string | null
  actor: string | null
  component: string | null
  path: string | null
}

export function who(row: Row | null): Who {
  return {
    cluster: text(row, 'cluster'),
    namespace: text(row, 'namespace'),
    serviceAccount: text(row, 'service_account'),
    pod: text(row, 'pod'),
    node: text(row, 'node'),
    actor: text(row, 'actor'),
    component: text(row, 'component'),
    path: text(row, 'access_path') ?? text(row, 'mechanism'),
  }
}

function podStep(one: Who, unknownWhy: string): Step {
  const place: Maybe[] = [['Node', on(one.node, node)]]
  if (one.pod === null) {
    return { key: 'pod', kind: 'pod', title: 'Pod', name: plain('not known'), unknown: true, facts: known([...place, ['Why', plain(unknownWhy)]]) }
  }
  const id = [one.cluster, one.namespace, one.serviceAccount, one.pod].join('/')
  const name: Value =
    one.cluster !== null && one.serviceAccount !== null ? { text: one.pod, to: { path: '/explain', extra: { id } } } : plain(one.pod)
  return { key: 'pod', kind: 'pod', title: 'Pod', name, facts: known(place) }
}

export function accountStep(one: Who): Step {
  const base = { key: 'who', kind: 'who' as const, title: 'Service account' }
  if (one.serviceAccount === null || one.namespace === null) {
    return { ...base, name: plain(one.component ?? 'not known'), unknown: one.component === null, facts: known([['Cluster', on(one.cluster, plain)]]) }
  }
  const path = `/workloads/${[one.cluster ?? '', one.namespace, one.serviceAccount].map(encodeURIComponent).join('/')}`
  const label = `${one.namespace}/${one.serviceAccount}`
  return {
    ...base,
    name: one.cluster === null ? plain(label) : { text: label, to: { path } },
    facts: known([
      ['Cluster', on(one.cluster, plain)],
      ['Program', on(one.component, plain)],
    ]),
  }
}

/** Why the pod is not named. */
export function whyNoPod(one: Who): string {
  switch (one.path) {
    case 'irsa':
      return 'the token names the service account only'
    case 'pod_identity':
      return 'the session has no tags of the pod'
    case 'node_role':
      return 'several pods of the node can have made the call'
    default:
      return 'the records do not name it'
  }
}

/** How the credentials came to the pod. `issuing` is the record that issued them. */
function bindingStep(one: Who, issuing: Row | null): Step {
  const fallback = one.path === 'node_role'
  return {
    key: 'binding',
    kind: 'binding',
    title: fallback ? 'No binding used' : 'Binding',
    name: plain(fallback ? 'Node’s role, from IMDS' : term(ACCESS_PATHS, one.path)),
    failed: fallback,
    facts: known([
      ['Token', on(text(issuing, 'subject'), (value) => plain(value.replace('system:serviceaccount:', '')))],
      ['Issued by', on(text(issuing, 'event_id'), (id) => ({ ...explained(id), text: text(issuing, 'event_name') ?? id, mono: false }))],
    ]),
  }
}

/** The steps up to the first credentials. */
export function origin(one: Who, issuing: Row | null, detail: string = whyNoPod(one)): Step[] {
  if (one.actor === 'node_agent') {
    return [
      {
        key: 'who',
        kind: 'who',
        title: 'Node agent',
        name: plain(one.component ?? 'not known'),
        unknown: one.component === null,
        facts: known([
          ['Node', on(one.node, node)],
          ['Cluster', on(one.cluster, plain)],
        ]),
      },
    ]
  }
  if (one.actor === 'control_plane' || one.path === 'cluster_role' || one.path === 'eks_service_linked_role') {
    return [
      {
        key: 'who',
        kind: 'who',
        title: 'EKS control plane',
        name: plain(one.component ?? 'EKS'),
        facts: known([['Cluster', on(one.cluster, plain)]]),
      },
    ]
  }
  if (one.actor === 'unknown') {
    return [
      {
        key: 'who',
        kind: 'who',
        title: 'Pod or node agent',
        name: plain('not known'),
        unknown: true,
        facts: known([
          ['Node', on(one.node, node)],
          ['Cluster', on(one.cluster, plain)],
          ['Why', plain('both can have made the call')],
        ]),
      },
    ]
  }
  return [podStep(one, detail), accountStep(one), bindingStep(one, issuing)]
}

/** A session, as a row of `sessions` has it. */
export function sessionStep(row: Row, index: number, nodeRole: boolean): Step {
  const arn = text(row, 'role_arn')
  const hops = number(row, 'hops') ?? index
  return {
    key: `session ${index} ${text(row, 'access_key_id') ?? ''}`,
    kind: 'session',
    title: hops > 0 ? `Assumed role ${hops}` : nodeRole ? 'Node role session' : 'Role session',
    name: arn === null ? plain('not known') : role(arn),
    unknown: arn === null,
    facts: known([
      ['Account', on(arnAccount(arn), plain)],
      ['Session', on(text(row, 'session_name'), plain)],
      ['Key', on(text(row, 'access_key_id'), explained)],
      ['Issued', on(text(row, 'issued_at'), at)],
      ['Record', on(text(row, 'event_id'), (id) => ({ ...explained(id), text: 'issuing event', mono: false }))],
    ]),
  }
}

/** The session that the record of the call itself names, where no record of its issuance is in the store. */
export function ownSession(event: Row, hops: number, nodeRole: boolean): Step | null {
  const arn = text(event, 'session_issuer_arn')
  return arn === null
    ? null
    : sessionStep(
        {
          role_arn: arn,
          session_name: text(event, 'session_name'),
          access_key_id: text(event, 'access_key_id'),
          issued_at: text(event, 'session_created_at'),
          hops,
        },
        hops,
        nodeRole,
      )
}

export function callStep(event: Row): Step {
  const error = text(event, 'error_code')
  return {
    key: 'call',
    kind: 'call',
    title: 'Call',
    name: plain(`${service(text(event, 'event_source'))}:\u200b${text(event, 'event_name') ?? '–'}`),
    failed: error !== null,
    facts: known([
      ['Time', on(text(event, 'event_time'), at)],
      ['Result', plain(error ?? 'succeeded')],
      ['Account', on(text(event, 'recipient_account_id'), plain)],
      ['Region', on(text(event, 'aws_region'), plain)],
      ['From', on(text(event, 'source_ip_address'), (value) => (value === text(event, 'invoked_by') ? null : plain(value)))],
      ['Through', on(text(event, 'invoked_by'), plain)],
    ]),
  }
}

/** What a call that issues credentials led to. */
export function issuedStep(event: Row): Step | null {
  const arn = text(event, 'issued_role_arn')
  const key = text(event, 'issued_access_key_id')
  return arn === null || key === null
    ? null
    : {
        key: 'issued',
        kind: 'issued',
        title: 'Credentials issued',
        name: role(arn),
        facts: known([
          ['Session', on(text(event, 'issued_session_name'), plain)],
          ['Key', explained(key)],
        ]),
      }
}

/** Someone who is no identity of a cluster, as the record names it. */
export function strangerStep(event: Row): Step {
  const arn = text(event, 'identity_arn') ?? text(event, 'user_name') ?? text(event, 'invoked_by') ?? text(event, 'subject')
  return {
    key: 'who',
    kind: 'who',
    title: 'Caller',
    name: arn === null ? plain('not named by the record') : { text: arnName(arn), title: arn },
    unknown: arn === null,
    facts: known([
      ['Type', on(text(event, 'identity_type'), plain)],
      ['Cluster', plain('none known')],
      ['Key', on(text(event, 'access_key_id'), explained)],
    ]),
  }
}

export function some(steps: (Step | null)[]): Step[] {
  return steps.filter((step): step is Step => step !== null)
}
