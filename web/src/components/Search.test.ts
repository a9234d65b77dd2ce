import { describe, expect, test } from 'vitest'
import { PAGES, explainable, find, pageName, type Hit } from './Search'

const hit = (kind: string, name: string, detail = ''): Hit => ({ kind, name, detail, to: `/${name}` })

const HITS = [
  hit('Page', 'Workloads'),
  hit('Workload', 'shop/orders', 'myeks'),
  hit('Workload', 'orders/shop', 'other'),
  hit('Node', 'i-0123456789abcdef0', 'ip-10-0-0-1.ec2.internal'),
  hit('Role', 'orders', 'arn:aws:iam::111122223333:role/orders'),
]

const names = (text: string) => find(HITS, text).map((one) => one.name)

describe('search', () => {
  test('all words have to be found, in any part and case', () => {
    expect(names('ORDERS myeks')).toEqual(['shop/orders'])
    expect(names('node 10-0-0-1')).toEqual(['i-0123456789abcdef0'])
    expect(names('orders nothing')).toEqual([])
  })

  test('names that begin with the first word come first', () => {
    expect(names('orders')).toEqual(['orders/shop', 'orders', 'shop/orders'])
  })

  test('pods come behind the workload that they are of', () => {
    const pods = [hit('Pod', 'orders-1', 'myeks/shop/orders'), hit('Pod', 'api-orders-1', 'myeks/shop/api')]
    expect(find([...HITS, ...pods], 'orders').map((one) => one.name)).toEqual(['orders/shop', 'orders', 'shop/orders', 'orders-1', 'api-orders-1'])
  })

  test('without words all are found', () => {
    expect(names('  ')).toEqual(HITS.map((one) => one.name))
  })

  test('not more than fit a list', () => {
    expect(find(Array.from({ length: 1_000 }, (_, at) => hit('Role', `role-${at}`)), 'role')).toHaveLength(30)
  })

  test('all pages are found by their names', () => {
    expect(PAGES.map((page) => page.path)).toEqual(['/', '/fallbacks', '/readiness', '/workloads', '/roles', '/nodes', '/explain', '/sql', '/ingestion'])
  })
})

describe('what only the service can look up', () => {
  test.each([
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    'F47AC10B-58CC-4372-A567-0E02B2C3D479',
    'ASIAIOSFODNN7EXAMPLE',
    'AKIAIOSFODNN7EXAMPLE',
    'arn:aws:iam::111122223333:role/a',
    'myeks/shop/orders',
    'myeks/shop/orders-5d4f-abcde',
  ])('%s', (text) => {
    expect(explainable(text)).toBe(true)
  })

  test.each(['', 'orders', 'shop/orders', 'i-0123456789abcdef0', 'ASIA', 'f47ac10b-58cc'])('not %j', (text) => {
    expect(explainable(text)).toBe(false)
  })
})

test.each([
  ['/', 'Overview'],
  ['/workloads', 'Workloads'],
  ['/workloads/prod/shop/cart', 'Workloads'],
  ['/nodes/', 'Nodes'],
  ['/nodes2', null],
  ['/other', null],
])('the page at %s', (pathname, name) => {
  expect(pageName(pathname)).toBe(name)
})
