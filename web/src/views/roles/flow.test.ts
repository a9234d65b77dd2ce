import { describe, expect, it } from 'vitest'
import { flowLines, flowOf, middle, type FlowRow } from './flow'

function row(given: Partial<FlowRow>): FlowRow {
  return {
    cluster: 'prod',
    namespace: 'shop',
    service_account: 'cart',
    access_path: 'irsa',
    role_arn: 'arn:aws:iam::111122223333:role/cart',
    event_source: 's3.amazonaws.com',
    calls: 10,
    denied: 1,
    ...given,
  }
}

const most = { cluster: 2, account: 2, role: 2, service: 2 }

describe('flowOf', () => {
  it('links cluster, service account, role and service', () => {
    const { nodes, links } = flowOf([row({})])
    expect(nodes.map((node) => [node.depth, node.label])).toEqual([
      [0, 'prod'],
      [1, 'shop/cart'],
      [2, 'cart'],
      [3, 's3'],
    ])
    expect(links).toHaveLength(3)
    expect(links.every((link) => link.value === 10 && link.denied === 1 && link.series === 'irsa')).toBe(true)
  })

  it('adds up calls of one link, and keeps access paths apart', () => {
    const { nodes, links } = flowOf([row({}), row({ event_source: 'sqs.amazonaws.com', calls: 5 }), row({ access_path: 'node_role', calls: 1 })])
    const first = links.filter((link) => link.source === 'cluster:prod')
    expect(first.map((link) => [link.series, link.value])).toEqual([
      ['irsa', 15],
      ['node_role-workload', 1],
    ])
    expect(nodes.find((node) => node.label === 'cart')).toMatchObject({ calls: 16, series: 'irsa' })
  })

  it('sums what has fewest calls, and says how many', () => {
    const rows = ['a', 'b', 'c', 'd'].map((name, at) => row({ service_account: name, calls: 100 - at }))
    const { nodes, links, others } = flowOf(rows, most)
    const accounts = nodes.filter((node) => node.depth === 1)
    expect(accounts.map((node) => [node.label, node.calls])).toEqual([
      ['shop/a', 100],
      ['shop/b', 99],
      ['2 other service accounts', 195],
    ])
    expect(accounts[2]?.target).toBeNull()
    expect(others).toEqual({ cluster: 0, account: 2, role: 0, service: 0 })
    expect(links.filter((link) => link.source === 'cluster:prod').reduce((sum, link) => sum + link.value, 0)).toBe(394)
  })

  it('shows a single one left over by its name', () => {
    const rows = ['a', 'b', 'c'].map((name) => row({ service_account: name }))
    expect(flowOf(rows, most).others.account).toBe(0)
  })

  it('never hides a workload that is not known among others', () => {
    const rows = [...['a', 'b', 'c', 'd'].map((name) => row({ service_account: name })), row({ namespace: null, service_account: null, calls: 1 })]
    const unknown = flowOf(rows, most).nodes.find((node) => node.label === 'Unknown pod')
    expect(unknown).toMatchObject({ calls: 1, target: null })
  })

  it('tells apart what has the same name in two clusters or accounts', () => {
    const { nodes } = flowOf([row({}), row({ cluster: 'test', role_arn: 'arn:aws:iam::444455556666:role/cart' })])
    expect(nodes.map((node) => node.label)).toEqual(['prod', 'shop/cart · prod', 'cart · 111122223333', 's3', 'test', 'shop/cart · test', 'cart · 444455556666'])
  })

  it('leaves out rows without calls', () => {
    expect(flowOf([row({ calls: 0 }), row({ calls: null })])).toMatchObject({ nodes: [], links: [] })
  })
})

describe('flowLines', () => {
  it('has a line for each service account, access path and role, with its services, the most calls first', () => {
    const rows = [
      row({ calls: 2, denied: 0 }),
      row({ event_source: 'sqs.amazonaws.com', calls: 5 }),
      row({ access_path: 'node_role', calls: 9, denied: 9 }),
      row({ cluster: 'test', calls: 8, denied: null }),
      row({ service_account: 'none', calls: 0 }),
    ]
    expect(flowLines(rows).map((line) => [line.cluster, line.account.label, line.series, line.role.label, line.calls, line.denied])).toEqual([
      ['prod', 'shop/cart', 'node_role-workload', 'cart', 9, 9],
      ['test', 'shop/cart', 'irsa', 'cart', 8, 0],
      ['prod', 'shop/cart', 'irsa', 'cart', 7, 1],
    ])
    expect(flowLines(rows)[2]?.services).toEqual([
      { name: 'sqs', calls: 5 },
      { name: 's3', calls: 2 },
    ])
  })

  it('says what is not known', () => {
    const line = flowLines([row({ namespace: null, service_account: null, role_arn: null })])[0]
    expect([line?.account.label, line?.role.label]).toEqual(['Unknown pod', 'role not known'])
  })
})

describe('middle', () => {
  it('keeps both ends', () => {
    expect(middle('abcdefghij', 10)).toBe('abcdefghij')
    expect(middle('abcdefghijk', 7)).toBe('abc…ijk')
  })
})
