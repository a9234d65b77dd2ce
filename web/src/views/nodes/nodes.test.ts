import { describe, expect, it } from 'vitest'
import { busiest, filterNodes, hopLimit, httpTokens, nodeFigures, type NodeRow } from './nodes'

function node(given: Partial<NodeRow>): NodeRow {
  return {
    cluster: 'prod',
    node: 'i-1',
    node_name: 'ip-10-0-0-1',
    nodegroup: 'ng-1',
    role_arn: 'arn:aws:iam::111122223333:role/ng-1',
    http_tokens: 'required',
    hop_limit: 2,
    pod_identity_agent: true,
    calls: 10,
    node_agent_calls: 4,
    fallback_calls: 5,
    unknown_calls: 1,
    first_seen: null,
    last_seen: null,
    valid_to: null,
    ...given,
  }
}

const rows = [
  node({}),
  node({ role_arn: 'arn:aws:iam::111122223333:role/old', calls: 30, fallback_calls: 0, node_agent_calls: 30, unknown_calls: 0 }),
  node({ node: 'i-2', nodegroup: 'ng-2', hop_limit: 1, fallback_calls: 0, calls: 12, valid_to: '2026-05-01T00:00:00Z' }),
  node({ node: 'i-3', nodegroup: null, hop_limit: null, http_tokens: 'optional', pod_identity_agent: false, calls: null, fallback_calls: null }),
]

describe('hopLimit and httpTokens', () => {
  it('say what they let through', () => {
    expect([1, 2, 3, null].map((limit) => hopLimit(limit).text)).toEqual(['1: pods kept out', '2: open to pods', '3: open to pods', 'unknown'])
    expect(['required', 'optional', null].map((tokens) => httpTokens(tokens).tone)).toEqual(['good', 'warn', 'mute'])
  })
})

describe('filterNodes', () => {
  it('narrows by node group, fallbacks and words', () => {
    expect(filterNodes(rows, { nodegroup: 'ng-2', fallbacks: false, q: null }).map((row) => row.node)).toEqual(['i-2'])
    expect(filterNodes(rows, { nodegroup: null, fallbacks: true, q: null })).toHaveLength(1)
    expect(filterNodes(rows, { nodegroup: null, fallbacks: false, q: 'I-1 OLD' })).toHaveLength(1)
  })
})

describe('nodeFigures', () => {
  it('counts a node with two roles once', () => {
    expect(nodeFigures(rows)).toEqual({ nodes: 3, running: 2, fallbacks: 1, open: 1, hopUnknown: 1, imdsV1: 1, tokensUnknown: 0, noAgent: 1, fallbackCalls: 5, calls: 52 })
  })
})

describe('busiest', () => {
  it('adds up roles of a node and leaves out those without calls', () => {
    expect(busiest(rows, 1)).toEqual([{ node: 'i-1', name: 'ip-10-0-0-1', cluster: 'prod', workloads: 5, unknown: 1, agents: 34, calls: 40 }])
    expect(busiest(rows, 9)).toHaveLength(2)
  })
})
