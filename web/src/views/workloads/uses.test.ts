import { describe, expect, test } from 'vitest'
import type { Schemas } from '../../api/client'
import { accounts, earliest, latest, matches, narrowed, uses, textsOf, weakest } from './uses'

function workload(change: Partial<Schemas['WorkloadRow']>): Schemas['WorkloadRow'] {
  return {
    cluster: 'one',
    namespace: 'shop',
    service_account: 'cart',
    access_path: 'irsa',
    role_arn: 'arn:aws:iam::1:role/cart',
    hops: 0,
    confidence: 'exact',
    pods: 2,
    calls: 10,
    denied: 1,
    actions: 3,
    first_seen: '2026-05-01T01:00:00Z',
    last_seen: '2026-05-01T02:00:00Z',
    ...change,
  }
}

function fallback(change: Partial<Schemas['FallbackRow']>): Schemas['FallbackRow'] {
  return {
    id: 'a',
    cluster: 'one',
    role_arn: 'arn:aws:iam::1:role/node',
    account_id: '1',
    aws_region: 'eu-west-1',
    namespace: 'shop',
    service_account: 'cart',
    workload: 'Deployment/cart',
    pods: 'cart-1 cart-2',
    component: null,
    confidence: 'inferred',
    score: 0.9,
    candidates: null,
    cause: 'no_binding',
    evidence: null,
    first_seen: '2026-05-01T00:00:00Z',
    last_seen: '2026-05-01T03:00:00Z',
    calls: 5,
    denied: 0,
    actions: 's3:GetObject s3:ListBucket',
    nodes: null,
    user_agents: null,
    fix: null,
    ...change,
  }
}

describe('uses', () => {
  test('has the fallbacks of a service account to one node role as one row', () => {
    const rows = uses(
      [workload({})],
      [
        fallback({}),
        fallback({
          id: 'b',
          workload: 'CronJob/cart',
          pods: 'cart-2 cart-3',
          confidence: 'candidate',
          actions: 's3:GetObject',
          calls: 7,
          denied: 2,
        }),
        fallback({ id: 'c', service_account: null, namespace: null }),
      ],
    )
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({
      access_path: 'node_role',
      calls: 12,
      denied: 2,
      pods: 3,
      actions: 2,
      confidence: 'candidate',
      first_seen: '2026-05-01T00:00:00Z',
    })
    expect(rows[1]?.fallbacks.map((row) => row.id)).toEqual(['a', 'b'])
  })

  test('are narrowed by access path, confidence and role', () => {
    const rows = uses([workload({})], [fallback({})])
    expect(narrowed(rows, {})).toHaveLength(2)
    expect(narrowed(rows, { access_path: 'node_role' })).toHaveLength(1)
    expect(narrowed(rows, { access_path: 'irsa', confidence: 'inferred' })).toHaveLength(0)
    expect(narrowed(rows, { role_arn: 'arn:aws:iam::1:role/cart' })).toHaveLength(1)
  })
})

describe('accounts', () => {
  test('add up, and keep a fallback that the rows leave out', () => {
    const fallbacks = [fallback({})]
    const rows = uses([workload({}), workload({ role_arn: 'arn:aws:iam::2:role/reader', hops: 1, confidence: 'inferred' })], [])
    const [account, ...others] = accounts(rows, fallbacks)
    expect(others).toHaveLength(0)
    expect(account).toMatchObject({ roles: 2, hops: 1, calls: 20, denied: 2, confidence: 'inferred', access_paths: ['irsa'] })
    expect(account?.fallbacks).toHaveLength(1)
  })

  test('of the same name in two clusters are two', () => {
    expect(accounts(uses([workload({}), workload({ cluster: 'two' })], []), [])).toHaveLength(2)
  })
})

test('the weakest confidence is what holds for all', () => {
  expect(weakest(['exact', 'candidate', 'inferred'])).toBe('candidate')
  expect(weakest([null])).toBeNull()
})

test('times that are not known do not count', () => {
  expect(earliest([null, '2026-01-02', '2026-01-01'])).toBe('2026-01-01')
  expect(latest(['2026-01-02', null, '2026-01-01'])).toBe('2026-01-02')
  expect(latest([])).toBeNull()
})

test('a text is found by all of its words, in any case', () => {
  const [row] = uses([workload({})], [])
  expect(matches('SHOP/cart irsa', textsOf(row!))).toBe(true)
  expect(matches('cart node', textsOf(row!))).toBe(false)
  expect(matches(null, [])).toBe(true)
})
