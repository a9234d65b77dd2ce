// Pods over time on a node, and the calls with its role over the same time.
import type { Schemas } from '../../api/client'
import { service } from '../../format'
import { confidenceOf, UNKNOWN_POD } from '../../terms'

export type NodePod = Schemas['NodePod']
export type NodeHour = Schemas['NodeHour']
export type NodeAction = Schemas['NodeAction']

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** From this length on, calls are drawn per day. */
const LONG = 14 * DAY

export interface Span {
  from: number
  to: number
}

const ms = (time: string | null): number | null => (time === null ? null : new Date(time).getTime())

/** The time that is drawn: that of the calls with an hour beside it, else that of the pods. */
export function spanOf(hours: readonly NodeHour[], pods: readonly NodePod[]): Span | null {
  const called = hours.flatMap((hour) => ms(hour.hour) ?? [])
  if (called.length > 0) {
    return { from: called.reduce((a, b) => Math.min(a, b)) - HOUR, to: called.reduce((a, b) => Math.max(a, b)) + 2 * HOUR }
  }
  const times = pods.flatMap((pod) => [ms(pod.valid_from), ms(pod.valid_to) ?? ms(pod.observed_at)].filter((time) => time !== null))
  return times.length === 0 ? null : { from: times.reduce((a, b) => Math.min(a, b)), to: times.reduce((a, b) => Math.max(a, b)) + HOUR }
}

export const ACTORS_DRAWN = ['workload', 'unknown', 'node_agent'] as const
export type ActorDrawn = (typeof ACTORS_DRAWN)[number]

/** Calls of an hour, or of a day where the time is long. */
export interface Bucket {
  start: number
  calls: Record<ActorDrawn, number>
  denied: number
  /** Who made them, the most first. */
  who: { name: string; calls: number }[]
}

/** Who made calls, in words: a service account, a component, or that it is not known. */
export function callerName(caller: { component: string | null; namespace: string | null; service_account: string | null; actor: string | null }): string {
  if (caller.namespace !== null && caller.service_account !== null) {
    return `${caller.namespace}/${caller.service_account}`
  }
  return caller.component ?? (caller.actor === 'workload' ? UNKNOWN_POD : 'not known')
}

function drawnActor(actor: string | null): ActorDrawn {
  return actor === 'workload' || actor === 'node_agent' ? actor : 'unknown'
}

export function bucketsOf(hours: readonly NodeHour[], span: Span): { step: number; buckets: Bucket[] } {
  const step = span.to - span.from > LONG ? DAY : HOUR
  const first = Math.floor(span.from / step) * step
  const buckets: Bucket[] = []
  for (let start = first; start < span.to; start += step) {
    buckets.push({ start, calls: { workload: 0, unknown: 0, node_agent: 0 }, denied: 0, who: [] })
  }
  for (const hour of hours) {
    const bucket = buckets[Math.floor(((ms(hour.hour) ?? -1) - first) / step)]
    if (bucket !== undefined) {
      bucket.calls[drawnActor(hour.actor)] += hour.calls ?? 0
      bucket.denied += hour.denied ?? 0
      const name = callerName(hour)
      const known = bucket.who.find((one) => one.name === name)
      if (known === undefined) {
        bucket.who.push({ name, calls: hour.calls ?? 0 })
      } else {
        known.calls += hour.calls ?? 0
      }
    }
  }
  for (const bucket of buckets) {
    bucket.who.sort((a, b) => b.calls - a.calls)
  }
  return { step, buckets }
}

/** Whether a pod made calls: it did; it may have, as a candidate or because only its service account is named; none name it. */
export type Called = 'yes' | 'maybe' | 'none'

export interface Stay {
  pod: NodePod
  from: number
  /** Last time that it was certain to be there. */
  certainTo: number
  /** By when it had gone. */
  to: number
  lane: number
  called: Called
  /** Calls that name the pod. */
  calls: number
  /** Of them, those that name it as a candidate: the best of several guesses. */
  guessed: number
}

export interface WorkloadRow {
  key: string
  namespace: string
  workload: string
  hostNetwork: boolean
  lanes: number
  stays: Stay[]
  /** Calls that name one of its pods. */
  calls: number
}

const MOST_LANES = 4

/** Rows of workloads, those that the calls name first, then those that were there longest. */
export function workloadRows(pods: readonly NodePod[], actions: readonly NodeAction[], span: Span): WorkloadRow[] {
  const named = callsNaming(actions)
  const rows = new Map<string, WorkloadRow>()
  for (const pod of pods.toSorted((a, b) => (ms(a.valid_from) ?? 0) - (ms(b.valid_from) ?? 0))) {
    const stay = stayOf(pod, span, named)
    if (stay !== null) {
      const namespace = pod.namespace ?? ''
      const workload = pod.workload ?? pod.pod ?? ''
      const key = `${namespace} ${workload}`
      const row = rows.get(key) ?? { key, namespace, workload, hostNetwork: false, lanes: 1, stays: [], calls: 0 }
      stay.lane = freeLane(row.stays, stay.from)
      row.lanes = Math.max(row.lanes, stay.lane + 1)
      row.hostNetwork ||= pod.host_network === true
      row.calls += stay.calls
      row.stays.push(stay)
      rows.set(key, row)
    }
  }
  const rank = (row: WorkloadRow) => (row.calls > 0 ? 2 : row.stays.some((stay) => stay.called === 'maybe') ? 1 : 0)
  const length = (row: WorkloadRow) => row.stays.reduce((sum, stay) => sum + stay.to - stay.from, 0)
  return [...rows.values()].toSorted((a, b) => rank(b) - rank(a) || b.calls - a.calls || length(b) - length(a) || a.key.localeCompare(b.key))
}

interface Named {
  pods: Map<string, { calls: number; guessed: number }>
  /** Service accounts that are named without a pod. */
  accounts: Set<string>
}

function callsNaming(actions: readonly NodeAction[]): Named {
  const named: Named = { pods: new Map(), accounts: new Set() }
  for (const action of actions) {
    const calls = action.calls ?? 0
    if (action.actor === 'workload' && action.pod !== null) {
      const key = `${action.namespace}/${action.pod}`
      const pod = named.pods.get(key) ?? { calls: 0, guessed: 0 }
      pod.calls += calls
      pod.guessed += action.confidence === 'candidate' ? calls : 0
      named.pods.set(key, pod)
    } else if (action.actor === 'workload' && action.service_account !== null) {
      named.accounts.add(`${action.namespace}/${action.service_account}`)
    }
  }
  return named
}

function stayOf(pod: NodePod, span: Span, named: Named): Stay | null {
  const from = Math.max(ms(pod.valid_from) ?? span.from, span.from)
  const to = Math.min(ms(pod.valid_to) ?? span.to, span.to)
  if (to <= span.from || from >= span.to) {
    return null
  }
  // A pod whose end is not in its own record was last seen before it had gone; one without an end is there still.
  const certainTo = pod.valid_to === null ? to : Math.max(from, Math.min(ms(pod.observed_at) ?? to, to))
  const { calls, guessed } = named.pods.get(`${pod.namespace}/${pod.pod}`) ?? { calls: 0, guessed: 0 }
  const maybe = guessed > 0 || named.accounts.has(`${pod.namespace}/${pod.service_account}`)
  return { pod, from, certainTo, to: Math.max(to, from), lane: 0, called: calls > guessed ? 'yes' : maybe ? 'maybe' : 'none', calls, guessed }
}

/** The first lane that is free at a time; the last one where all are taken. */
function freeLane(stays: readonly Stay[], from: number): number {
  for (let lane = 0; lane < MOST_LANES - 1; lane += 1) {
    if (!stays.some((stay) => stay.lane === lane && stay.to > from)) {
      return lane
    }
  }
  return MOST_LANES - 1
}

/** Actions of one caller, added up. */
export interface Caller {
  key: string
  actor: string | null
  component: string | null
  cluster: string | null
  namespace: string | null
  service_account: string | null
  confidences: { confidence: string; calls: number }[]
  calls: number
  denied: number
  first_seen: string | null
  last_seen: string | null
  event_id: string | null
  actions: NodeAction[]
  names: string[]
}

export function callersOf(actions: readonly NodeAction[]): Caller[] {
  const callers = new Map<string, Caller>()
  for (const action of actions) {
    const { actor, component, cluster, namespace, service_account } = action
    const key = JSON.stringify([actor, component, namespace, service_account])
    const caller: Caller = callers.get(key) ?? {
      key,
      actor,
      component,
      cluster,
      namespace,
      service_account,
      confidences: [],
      calls: 0,
      denied: 0,
      first_seen: null,
      last_seen: null,
      event_id: action.event_id,
      actions: [],
      names: [],
    }
    caller.calls += action.calls ?? 0
    caller.denied += action.denied ?? 0
    caller.first_seen = earlier(caller.first_seen, action.first_seen)
    caller.last_seen = later(caller.last_seen, action.last_seen)
    addConfidence(caller, action)
    const name = `${service(action.event_source)}:${action.event_name ?? '?'}`
    if (!caller.names.includes(name)) {
      caller.names.push(name)
    }
    caller.actions.push(action)
    callers.set(key, caller)
  }
  return [...callers.values()].toSorted((a, b) => b.calls - a.calls)
}

function earlier(a: string | null, b: string | null): string | null {
  return a === null ? b : b === null ? a : new Date(a) <= new Date(b) ? a : b
}

function later(a: string | null, b: string | null): string | null {
  return a === null ? b : b === null ? a : new Date(a) >= new Date(b) ? a : b
}

function addConfidence(caller: Caller, action: NodeAction) {
  const confidence = confidenceOf(action) ?? 'unknown'
  const known = caller.confidences.find((one) => one.confidence === confidence)
  if (known === undefined) {
    caller.confidences.push({ confidence, calls: action.calls ?? 0 })
  } else {
    known.calls += action.calls ?? 0
  }
}
