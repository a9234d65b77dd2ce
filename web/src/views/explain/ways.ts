// The way from a pod to a call, as steps in order.
import { arnAccount, count, counted, service } from '../../format'
import { ACCESS_PATHS, ACTORS, proof, term } from '../../terms'
import { accountStep, at, callStep, issuedStep, known, node, on, origin, ownSession, plain, role, sessionStep, some, strangerStep, who, whyNoPod, type Step, type Value, type Who } from './steps'
import { callerName, isCut, number, recordOf, rowsOf, text, type Row, type Story } from './story'
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
  const [first] = sessions
  const root: Row | null = first === undefined ? issuing : { ...(sessions.length === 1 ? issuing : null), event_id: first.event_id, event_name: text(first, 'event_name') ?? rootName(one) }
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

/** A number of what rows of a section tell, which is the least that it can be where the service gave no more rows. */
function atLeast(value: number, rows: readonly Row[]): string {
  return `${count(value)}${isCut(rows) ? ' or more' : ''}`
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
    name: plain(total === 0 ? 'none in the store' : atLeast(total, rows)),
    unknown: total === 0,
    facts: known([
      ['Services', on(services.join(', '), (value) => (value === '' ? null : plain(value)))],
      ['Failed', denied > 0 ? plain(atLeast(denied, rows)) : null],
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
      ? [sharedStep(one, atLeast(callers.size, calls))]
      : origin(one, nodeRole || issued === null ? null : { event_id: issued.event_id, event_name: text(issued, 'event_name') ?? rootName(one) })
  return [...from, ...held, callsStep(calls.length > 0 ? calls : rowsOf(told, 'shown by'))]
}

/** Those who share the credentials of a node. */
function sharedStep(one: Who, callers: string): Step {
  return {
    key: 'who',
    kind: 'who',
    title: 'Pods and node agents',
    name: plain(`${callers} callers share it`),
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
    name: plain(asked.pod ?? (names.length === 0 ? 'none in the inventory' : `${atLeast(names.length, pods)} seen`)),
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
          ['Calls', plain(atLeast(first === undefined ? 0 : (roles.get(first) ?? 0), calls))] as [string, Value],
          ...others.slice(0, 3).map((arn): [string, Value] => [`Also, ${atLeast(roles.get(arn) ?? 0, calls)}`, role(arn)]),
        ],
      }
    })
}

/** The way through a role: who used it or may, how they had it, and to which calls. */
export function roleChain(told: Story, asked: string): Step[] {
  const used = rowsOf(told, 'used by')
  const bound = rowsOf(told, 'bound to')
  const nodes = rowsOf(told, 'node role of')
  const inventory = rowsOf(told, 'in the inventory')[0] ?? null
  const arn = text(inventory, 'role_arn') ?? asked
  return [
    usersStep(used, bound),
    nodes.length > 0 ? nodesStep(nodes, used, arn) : bindingOfRole(told, used, bound),
    {
      key: 'role',
      kind: 'session',
      title: nodes.length > 0 ? 'Node role' : 'Role',
      name: role(arn),
      facts: known([
        ['Account', on(arnAccount(arn), plain)],
        ['Made', on(text(inventory, 'created_at'), at)],
      ]),
    },
    callsOfRole(used, rowsOf(told, 'sessions without an issuing record')),
  ]
}

/** A caller as a row names it, with its page. */
function caller(row: Row): Value {
  const cluster = text(row, 'cluster')
  const namespace = text(row, 'namespace')
  const account = text(row, 'service_account')
  if (cluster !== null && namespace !== null && account !== null) {
    return { text: `${namespace}/${account}`, to: { path: `/workloads/${[cluster, namespace, account].map(encodeURIComponent).join('/')}` }, title: cluster }
  }
  const actor = text(row, 'actor')
  return plain(callerName(row) ?? (actor === null ? `${namespace ?? '*'}/${account ?? '*'}` : `${term(ACTORS, actor)}, not known which`))
}

const nameOf = (row: Row) => [row.cluster, row.namespace, row.service_account, row.component, row.actor].map((part) => part ?? '').join(' ')

/** Those who used a role, the most first, and those who may and did not. */
function usersStep(used: readonly Row[], bound: readonly Row[]): Step {
  const calls = new Map<string, { row: Row; calls: number }>()
  for (const row of used) {
    const one = calls.get(nameOf(row)) ?? { row, calls: 0 }
    one.calls += number(row, 'calls') ?? 0
    calls.set(nameOf(row), one)
  }
  const users = [...calls.values()].toSorted((a, b) => b.calls - a.calls)
  const accounts = new Set(users.map(({ row }) => [row.cluster, row.namespace, row.service_account].join(' ')))
  const idle = bound.filter((row) => !accounts.has([row.cluster, row.namespace, row.service_account].join(' ')))
  const all: [string, Value][] = [
    ...users.map((user): [string, Value] => [counted(user.calls, 'call'), caller(user.row)]),
    ...idle.map((row): [string, Value] => ['May use it, no call', caller(row)]),
  ]
  const onlyAccounts = users.every(({ row }) => text(row, 'service_account') !== null)
  const base = { key: 'who', kind: 'who' as const, title: onlyAccounts ? 'Service accounts' : 'Callers' }
  const [first] = all
  if (first === undefined) {
    return { ...base, title: 'Callers', name: plain('none known'), unknown: true, facts: [] }
  }
  if (all.length === 1) {
    const cluster = text(users[0]?.row ?? idle[0] ?? null, 'cluster')
    return { ...base, title: onlyAccounts ? 'Service account' : 'Caller', name: first[1], facts: [...known([['Cluster', on(cluster, plain)]]), ...(users.length === 0 ? [['Calls', plain('none')] as [string, Value]] : [])] }
  }
  return { ...base, name: plain(`${count(all.length)}${isCut(used) || isCut(bound) ? ' or more' : ''}`), facts: all.slice(0, MOST_FACTS) }
}

/** Facts of a step that lists several things; the tables below have all. */
const MOST_FACTS = 4

function nodesStep(nodes: readonly Row[], used: readonly Row[], arn: string): Step {
  const clusters = [...new Set(nodes.map((row) => text(row, 'cluster')))].filter((cluster) => cluster !== null)
  const record = nodes.find((row) => text(row, 'event_id') !== null) ?? null
  return {
    key: 'nodes',
    kind: 'binding',
    title: 'Nodes, by IMDS',
    name: { text: clusters.length === 0 ? 'of an unknown cluster' : `of ${clusters.join(', ')}`, to: { path: '/nodes', extra: { role_arn: arn } } },
    // A pod that uses the role of its node fell back to it.
    failed: used.some((row) => text(row, 'actor') === 'workload'),
    facts: known([
      ['Known from', on(text(nodes[0] ?? null, 'proof'), (value) => plain(proof(value)))],
      ['Record', on(text(record, 'event_id'), (id) => ({ text: 'a call of a node', to: { path: '/explain', extra: { id } }, title: id }))],
    ]),
  }
}

function bindingOfRole(told: Story, used: readonly Row[], bound: readonly Row[]): Step {
  const paths = new Set([...used.filter((row) => (number(row, 'hops') ?? 0) === 0).map((row) => text(row, 'access_path')), ...bound.map((row) => text(row, 'mechanism'))])
  const names = [...paths].filter((path) => path !== null).map((path) => term(ACCESS_PATHS, path))
  if (used.some((row) => (number(row, 'hops') ?? 0) > 0)) {
    names.push('assumed from another role')
  }
  const sessions = rowsOf(told, 'credentials issued to').reduce((sum, row) => sum + (number(row, 'sessions') ?? 0), 0)
  return {
    key: 'binding',
    kind: 'binding',
    title: 'Access path',
    name: plain(names.length === 0 ? 'none known' : names.join(', ')),
    unknown: names.length === 0,
    facts: known([
      ['Bound by', on([...new Set(bound.map((row) => text(row, 'proof')))].filter((one) => one !== null).join(', '), (value) => (value === '' ? null : plain(value)))],
      ['Open to', bound.some((row) => row.wildcard === true) ? plain('more than named accounts') : null],
      ['Sessions', sessions === 0 ? null : plain(count(sessions))],
    ]),
  }
}

function callsOfRole(used: readonly Row[], others: readonly Row[]): Step {
  const rows = used.length > 0 ? used : others
  const sum = (column: string) => rows.reduce((total, row) => total + (number(row, column) ?? 0), 0)
  const calls = sum('calls')
  const last = rows.map((row) => text(row, 'last_seen')).filter((time) => time !== null)
  return {
    key: 'calls',
    kind: 'call',
    title: 'Calls',
    name: plain(calls === 0 ? 'none in the store' : atLeast(calls, rows)),
    unknown: calls === 0,
    facts: known([
      ['Denied', sum('denied') > 0 ? plain(atLeast(sum('denied'), rows)) : null],
      ['Last', on(last.toSorted().at(-1) ?? null, at)],
    ]),
  }
}
