import { describe, expect, it } from 'vitest'
import { bucketsOf, callersOf, callerName, spanOf, workloadRows, type NodeAction, type NodeHour, type NodePod } from './stays'

const at = (text: string) => new Date(text).getTime()

function hour(given: Partial<NodeHour>): NodeHour {
  return { hour: '2026-05-01T10:00:00Z', actor: 'workload', component: null, namespace: 'shop', service_account: 'cart', calls: 5, denied: 1, ...given }
}

function pod(given: Partial<NodePod>): NodePod {
  return {
    cluster: 'prod',
    node: 'i-1',
    node_name: 'ip-1',
    namespace: 'shop',
    service_account: 'cart',
    pod: 'cart-1',
    pod_uid: '1',
    workload: 'Deployment/cart',
    pod_ip: null,
    host_network: false,
    injected: 'none',
    created_at: null,
    valid_from: '2026-05-01T09:30:00Z',
    valid_to: '2026-05-01T11:00:00Z',
    observed_at: '2026-05-01T10:30:00Z',
    ...given,
  }
}

function action(given: Partial<NodeAction>): NodeAction {
  return {
    node: 'i-1',
    role_arn: 'arn:aws:iam::111122223333:role/ng',
    actor: 'workload',
    component: null,
    cluster: 'prod',
    namespace: 'shop',
    service_account: 'cart',
    pod: 'cart-1',
    event_source: 's3.amazonaws.com',
    event_name: 'GetObject',
    error_code: null,
    confidence: 'exact',
    calls: 3,
    denied: 0,
    first_seen: '2026-05-01T10:00:00Z',
    last_seen: '2026-05-01T10:10:00Z',
    event_id: 'e1',
    ...given,
  }
}

const span = { from: at('2026-05-01T09:00:00Z'), to: at('2026-05-01T12:00:00Z') }

describe('spanOf', () => {
  it('is that of the calls, an hour wider on both sides', () => {
    expect(spanOf([hour({})], [pod({ valid_from: '2020-01-01T00:00:00Z' })])).toEqual(span)
  })
  it('is that of the pods where there are no calls', () => {
    expect(spanOf([], [pod({ valid_to: null })])).toEqual({ from: at('2026-05-01T09:30:00Z'), to: at('2026-05-01T11:30:00Z') })
    expect(spanOf([], [])).toBeNull()
  })
})

describe('bucketsOf', () => {
  it('fills hours without calls, and tells who made the others', () => {
    const { step, buckets } = bucketsOf([hour({}), hour({ calls: 2, denied: 0 }), hour({ actor: 'control_plane', component: 'eks', namespace: null, service_account: null, calls: 9 })], span)
    expect(step).toBe(3_600_000)
    expect(buckets.map((bucket) => bucket.calls.workload)).toEqual([0, 7, 0])
    expect(buckets[1]).toMatchObject({ calls: { unknown: 9 }, denied: 2, who: [{ name: 'eks', calls: 9 }, { name: 'shop/cart', calls: 7 }] })
  })
  it('counts days where the time is long', () => {
    const { step, buckets } = bucketsOf([hour({})], { from: span.from, to: span.from + 20 * 86_400_000 })
    expect(step).toBe(86_400_000)
    expect(buckets).toHaveLength(21)
    expect(buckets[0]?.calls.workload).toBe(5)
  })
})

describe('workloadRows', () => {
  it('tells pods that made calls from those that may have', () => {
    const pods = [pod({}), pod({ pod: 'cart-2', pod_uid: '2', valid_from: '2026-05-01T10:00:00Z' }), pod({ namespace: 'kube-system', service_account: 'proxy', workload: 'DaemonSet/proxy', pod: 'proxy-1', pod_uid: '3', host_network: true })]
    const rows = workloadRows(pods, [action({}), action({ pod: null })], span)
    expect(rows.map((row) => [row.workload, row.calls, row.hostNetwork, row.lanes])).toEqual([
      ['Deployment/cart', 3, false, 2],
      ['DaemonSet/proxy', 0, true, 1],
    ])
    expect(rows.flatMap((row) => row.stays.map((stay) => [stay.called, stay.lane]))).toEqual([
      ['yes', 0],
      ['maybe', 1],
      ['none', 0],
    ])
  })
  it('takes a candidate for no more than a guess', () => {
    const [row] = workloadRows([pod({})], [action({ confidence: 'candidate', calls: 4 })], span)
    expect(row?.stays[0]).toMatchObject({ called: 'maybe', calls: 4, guessed: 4 })
    const [both] = workloadRows([pod({})], [action({ confidence: 'candidate', calls: 4 }), action({ calls: 1 })], span)
    expect(both?.stays[0]).toMatchObject({ called: 'yes', calls: 5, guessed: 4 })
  })
  it('keeps within the time drawn, and knows until when a pod was certain to be there', () => {
    const [row] = workloadRows([pod({ valid_from: '2026-04-01T00:00:00Z' }), pod({ pod: 'cart-9', valid_from: '2026-05-02T00:00:00Z', valid_to: null })], [], span)
    expect(row?.stays).toHaveLength(1)
    expect(row?.stays[0]).toMatchObject({ from: span.from, certainTo: at('2026-05-01T10:30:00Z'), to: at('2026-05-01T11:00:00Z') })
  })
  it('takes a pod without an end to be there still', () => {
    const [row] = workloadRows([pod({ valid_to: null })], [], span)
    expect(row?.stays[0]).toMatchObject({ certainTo: span.to, to: span.to })
  })
})

describe('callersOf', () => {
  it('knows nothing of a guess that names no service account', () => {
    const nobody = { namespace: null, service_account: null, pod: null }
    const callers = callersOf([action({ ...nobody, confidence: 'candidate' }), action({ confidence: 'candidate' })])
    expect(callers.map((caller) => [callerName(caller), caller.confidences.map((one) => one.confidence)])).toEqual([
      ['Unknown pod', ['unknown']],
      ['shop/cart', ['candidate']],
    ])
  })

  it('adds up what one caller did, and keeps apart how sure that is', () => {
    const callers = callersOf([
      action({ calls: 10 }),
      action({ event_name: 'PutObject', confidence: 'candidate', denied: 2, first_seen: '2026-05-01T09:00:00Z', last_seen: '2026-05-01T09:30:00Z' }),
      action({ actor: 'node_agent', component: 'kubelet', namespace: null, service_account: null, pod: null, calls: 20 }),
    ])
    expect(callers.map((caller) => [callerName(caller), caller.calls, caller.denied])).toEqual([
      ['kubelet', 20, 0],
      ['shop/cart', 13, 2],
    ])
    expect(callers[1]).toMatchObject({
      names: ['s3:GetObject', 's3:PutObject'],
      confidences: [
        { confidence: 'exact', calls: 10 },
        { confidence: 'candidate', calls: 3 },
      ],
      first_seen: '2026-05-01T09:00:00Z',
      last_seen: '2026-05-01T10:10:00Z',
    })
  })
})
