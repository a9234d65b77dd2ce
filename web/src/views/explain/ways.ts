// The way from a pod to a call, as steps in order.
import { count, service } from '../../format'
import { ACCESS_PATHS, term } from '../../terms'
import { accountStep, at, callStep, issuedStep, known, node, on, origin, ownSession, plain, role, sessionStep, some, strangerStep, who, whyNoPod, type Step, type Value, type Who } from './steps'
import { number, recordOf, rowsOf, text, type Row, type Story } from './story'
import type { Subject } from './subject'

/** The way to a single call. `sessions` are those that led to it, the first one first. */
export function eventChain(told: Story, sessions: readonly Row[]): Step[] {
  const event = told.event ?? {}
  const row = told.attribution
  const last = [callStep(event), issuedStep(event)]
  if (row === null) {
    return some([strangerStep(event), ...(text(event, 'identity_type') === 'AssumedRole' ? [ownSession(event, 0, false)] : []), ...last])
  }
  const one = who(row)
  const nodeRole = one.path === 'node_role'
  const issuing = recordOf(told, 'issued_by')
  const first = sessions.length > 1 ? recordOf(told, 'chained_from') : issuing
  const root: Row | null = sessions[0] === undefined ? issuing : { ...(sessions.length === 1 ? issuing : null), event_id: sessions[0].event_id, event_name: first === null ? 'issuing event' : rootName(one) }
  const held = sessions.length > 0 ? sessions.map((session, index) => sessionStep(session, index, nodeRole)) : [ownSession(event, number(row, 'hops') ?? 0, nodeRole)]
  const why = nodeRole && text(row, 'confidence') === 'unknown' ? 'no pod of the node explains the call well enough' : whyNoPod(one)
  const from = origin(one, nodeRole ? null : root, why)
  return some([...(text(row, 'confidence') === 'candidate' ? from.map(guessed) : from), ...held, ...last])
}

/** Marks who it was as the likeliest of several. */
function guessed(step: Step): Step {
  const named = (step.kind === 'pod' || step.kind === 'who') && step.unknown !== true
  return named ? { ...step, guess: true, title: `Likeliest ${step.title.toLowerCase()}` } : step
}

/** The call that issues the first credentials of an access path. */
function rootName(one: Who): string {
  return one.path === 'irsa' ? 'AssumeRoleWithWebIdentity' : one.path === 'pod_identity' ? 'AssumeRole (Pod Identity)' : 'issuing event'
}

function callsStep(rows: readonly Row[]): Step {
  const total = rows.reduce((sum, row) => sum + (number(row, 'calls') ?? 0), 0)
  const denied = rows.reduce((sum, row) => sum + (text(row, 'error_code') === null ? 0 : (number(row, 'calls') ?? 0)), 0)
  const services = [...new Set(rows.map((row) => service(text(row, 'event_source'))))]
  const times = rows.map((row) => text(row, 'last_seen')).filter((time) => time !== null)
  return {
    key: 'calls',
    kind: 'call',
    title: 'Calls',
    name: plain(total === 0 ? 'none in the store' : count(total)),
    unknown: total === 0,
    facts: known([
      ['Services', on(services.join(', '), (value) => (value === '' ? null : plain(value)))],
      ['Failed', denied > 0 ? plain(count(denied)) : null],
      ['Last', on(times.toSorted().at(-1) ?? null, at)],
    ]),
  }
}

/** The way to the calls of an access key. */
export function keyChain(told: Story, sessions: readonly Row[]): Step[] {
  const calls = rowsOf(told, 'calls')
  const issued = sessions[0] ?? null
  const one = { ...who(calls[0] ?? issued), ...(issued === null ? {} : { path: text(issued, 'mechanism') }) }
  const shown = rowsOf(told, 'shown by')[0] ?? null
  if (issued === null && calls.length === 0) {
    const identity: Row = { identity_arn: shown?.identity_arn, identity_type: shown?.identity_type }
    return [strangerStep(identity), callsStep(rowsOf(told, 'shown by'))]
  }
  const nodeRole = one.path === 'node_role'
  const held = sessions.map((session, index) => sessionStep(session, index, nodeRole))
  const callers = new Set(calls.map((row) => [row.namespace, row.service_account, row.component, row.actor].join(' ')))
  const from =
    nodeRole && callers.size > 1
      ? [sharedStep(one, callers.size)]
      : origin(one, nodeRole || issued === null ? null : { event_id: issued.event_id, event_name: rootName(one) })
  return [...from, ...held, callsStep(calls.length > 0 ? calls : rowsOf(told, 'shown by'))]
}

/** Those who share the credentials of a node. */
function sharedStep(one: Who, callers: number): Step {
  return {
    key: 'who',
    kind: 'who',
    title: 'Pods and node agents',
    name: plain(`${count(callers)} callers share it`),
    facts: known([
      ['Node', on(one.node, node)],
      ['Cluster', on(one.cluster, plain)],
    ]),
  }
}

/** The ways of a service account, or of a pod, to its calls. */
export function workloadChain(told: Story, asked: Extract<Subject, { cluster: string }>): Step[] {
  const pods = rowsOf(told, 'pods')
  const calls = rowsOf(told, 'calls')
  const names = [...new Set(pods.map((row) => text(row, 'pod')))]
  const latest = pods[0] ?? null
  const one: Who = { ...who(null), cluster: asked.cluster, namespace: asked.namespace, serviceAccount: asked.serviceAccount }
  const podsStep: Step = {
    key: 'pod',
    kind: 'pod',
    title: asked.pod === null ? 'Pods' : 'Pod',
    name: plain(asked.pod ?? (names.length === 0 ? 'none in the inventory' : `${count(names.length)} seen`)),
    unknown: names.length === 0,
    facts: known([
      ['Workload', on(text(latest, 'workload'), plain)],
      ['Latest', asked.pod === null ? on(text(latest, 'pod'), (pod) => ({ text: pod, to: { path: '/explain', extra: { id: [asked.cluster, asked.namespace, asked.serviceAccount, pod].join('/') } } })) : null],
      ['Node', on(text(latest, 'instance_id'), node)],
      ['Address', on(text(latest, 'pod_ip'), plain)],
    ]),
  }
  return [podsStep, accountStep(one), ...bindings(told), ...reached(calls), callsStep(calls)]
}

function bindings(told: Story): Step[] {
  const rows = rowsOf(told, 'bindings')
  const fallback = rowsOf(told, 'calls').some((row) => text(row, 'access_path') === 'node_role')
  if (rows.length === 0) {
    return [{ key: 'binding', kind: 'binding', title: 'Binding', name: plain(fallback ? 'none: node’s role, from IMDS' : 'none known'), failed: fallback, unknown: !fallback, facts: [] }]
  }
  return [
    {
      key: 'binding',
      kind: 'binding',
      title: rows.length === 1 ? 'Binding' : 'Bindings',
      name: plain([...new Set(rows.map((row) => term(ACCESS_PATHS, text(row, 'mechanism'))))].join(', ')),
      facts: rows.slice(0, 3).map((row): [string, Value] => [text(row, 'proof') ?? 'Role', on(text(row, 'role_arn'), role) ?? plain('–')]),
    },
  ]
}

/** Roles that were used, first those of the workload's own session, then those assumed from it. */
function reached(calls: readonly Row[]): Step[] {
  const byHops = new Map<number, Map<string, number>>()
  for (const row of calls) {
    const arn = text(row, 'role_arn')
    if (arn !== null) {
      const hops = number(row, 'hops') ?? 0
      const roles = byHops.get(hops) ?? new Map<string, number>()
      roles.set(arn, (roles.get(arn) ?? 0) + (number(row, 'calls') ?? 0))
      byHops.set(hops, roles)
    }
  }
  return [...byHops.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([hops, roles]) => {
      const [first, ...others] = [...roles.keys()]
      return {
        key: `session ${hops}`,
        kind: 'session' as const,
        title: hops === 0 ? 'Role used' : `Assumed role ${hops}`,
        name: first === undefined ? plain('–') : role(first),
        facts: [
          ['Calls', plain(count(first === undefined ? 0 : roles.get(first)))] as [string, Value],
          ...others.slice(0, 3).map((arn): [string, Value] => [`Also, ${count(roles.get(arn))}`, role(arn)]),
        ],
      }
    })
}
