import { describe, expect, test } from 'vitest'
import type { Schemas } from '../../api/client'
import { groupOf, MOST_PODS, strip, ticks } from './pods'

function pod(name: string, from: string, seen: string, to: string | null): Schemas['WorkloadPod'] {
  return {
    cluster: 'one',
    namespace: 'shop',
    service_account: 'cart',
    pod: name,
    pod_uid: name,
    workload: 'Deployment/cart',
    node: 'node',
    instance_id: 'i-1',
    pod_ip: null,
    host_network: false,
    injected: 'none',
    injected_role_arn: null,
    created_at: from,
    valid_from: from,
    valid_to: to,
    observed_at: seen,
  }
}

describe('the strip of pods', () => {
  const rows = [
    pod('cart-7d9f8-abcde', '2026-05-01T00:00:00Z', '2026-05-01T05:00:00Z', '2026-05-01T06:00:00Z'),
    pod('cart-6c5b4-fghij', '2026-05-01T05:00:00Z', '2026-05-01T10:00:00Z', null),
  ]

  test('tells what was seen from what may have been', () => {
    const found = strip(rows, null, null)
    expect(found?.groups.map((group) => group.name)).toEqual([
      'Deployment/cart · ReplicaSet cart-7d9f8',
      'Deployment/cart · ReplicaSet cart-6c5b4',
    ])
    expect(found?.groups[0]?.bars[0]).toMatchObject({ from: 0, seen: 0.5, to: 0.6, open: false })
    expect(found?.groups[1]?.bars[0]).toMatchObject({ from: 0.5, seen: 1, to: 1, open: true })
  })

  test('keeps within the time range asked for', () => {
    const found = strip(rows, Date.UTC(2026, 4, 1, 2), null)
    expect(found?.begin).toBe(Date.UTC(2026, 4, 1, 2))
    expect(found?.groups[0]?.bars[0]?.from).toBe(0)
  })

  test('has the most recent pods only', () => {
    const many = Array.from({ length: MOST_PODS + 5 }, (_, index) =>
      pod(
        `cart-7d9f8-a${String(index).padStart(4, '0')}`,
        new Date(Date.UTC(2026, 4, 1, 0, index)).toISOString(),
        '2026-05-02T00:00:00Z',
        null,
      ),
    )
    const bars = strip(many, null, null)?.groups.flatMap((group) => group.bars)
    expect(bars).toHaveLength(MOST_PODS)
    expect(bars?.[0]?.pod.pod).toBe('cart-7d9f8-a0005')
  })

  test('of no pod is none', () => {
    expect(strip([], null, null)).toBeNull()
  })
})

test('pods of other controllers are grouped by these', () => {
  expect(groupOf({ pod: 'agent-abcde', workload: 'DaemonSet/agent' })).toBe('DaemonSet/agent')
  expect(groupOf({ pod: 'lonely', workload: null })).toBe('no controller known')
})

test('ticks are round, and few', () => {
  const found = ticks(Date.UTC(2026, 4, 1, 0, 7), Date.UTC(2026, 4, 3))
  expect(found.length).toBeLessThanOrEqual(5)
  expect(found[0]).toBe(Date.UTC(2026, 4, 1, 12))
})
