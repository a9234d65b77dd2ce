import { expect, test } from 'vitest'
import { podHit, podStatement } from './searchPods'

test('pods are asked for by all words, as parameters, and only so many', () => {
  const asked = podStatement("  Orders o'x ")
  expect(asked?.params).toEqual(['orders', "o'x"])
  expect(asked?.query).not.toContain("o'x")
  expect(asked?.query).toMatch(/\$1\) > 0 AND strpos\(.*\$2\) > 0/)
  expect(asked?.query).toMatch(/LIMIT 20$/)
})

test.each(['', '  ', 'or', 'a b'])('too few letters ask for nothing: %j', (text) => {
  expect(podStatement(text)).toBeNull()
})

test('a pod leads to its story', () => {
  expect(podHit({ cluster: 'prod', namespace: 'shop', service_account: 'orders', pod: 'orders-1' })).toEqual([
    { kind: 'Pod', name: 'orders-1', detail: 'prod/shop/orders', to: '/explain', extra: { id: 'prod/shop/orders/orders-1' } },
  ])
  expect(podHit({ cluster: null, namespace: 'shop', service_account: 'orders', pod: 'orders-1' })).toEqual([])
})
