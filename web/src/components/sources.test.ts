import { describe, expect, test } from 'vitest'
import { aboutOf, references, sourcesOf } from './sources'
import type { Fact } from './Evidence'

const ROLE = 'arn:aws:iam::111122223333:role/team/orders'
const ABOUT = aboutOf({
  cluster: 'prod',
  namespace: 'shop',
  service_account: 'orders',
  pods: 'orders-1 orders-2',
  node: 'i-756d923d1987a272b',
  role_arn: 'arn:aws:iam::111122223333:role/prod-ng-1',
  event_time: '2026-05-01T12:00:00Z',
  event_id: 'e',
})
const NOBODY = aboutOf(null)

const sources = (fact: Fact, about = ABOUT, list: Fact[] = []) => sourcesOf(fact, about, list)
const labels = (fact: Fact, about = ABOUT, list: Fact[] = []) => sources(fact, about, list).map((one) => one.label)

test('what a fact names is found in its text', () => {
  expect(references({ fact: 'refused', detail: `AssumeRoleWithWebIdentity of x for ${ROLE} failed with AccessDenied` })).toEqual({ role: ROLE, node: null })
  expect(references({ fact: 'no_agent', detail: 'no call of eks-pod-identity-agent from i-756d923d1987a272b' }).node).toBe('i-756d923d1987a272b')
  expect(references({ fact: 'x' })).toEqual({ role: null, node: null })
})

describe('where a fact can be looked up', () => {
  test.each([
    ['no_binding', ['Workload shop/orders', 'Rows of service_accounts', 'Rows of pod_identity_associations', 'Rows of pods']],
    ['no_cause', ['Workload shop/orders', 'Rows of service_accounts', 'Rows of pod_identity_associations', 'Rows of pods']],
    ['sdk', ['Workload shop/orders', 'Rows of pods', 'Its user agents']],
    ['no_agent', ['Workload shop/orders', 'Rows of pod_identity_associations', 'Rows of pods', 'Rows of pod_identity_agents']],
    ['host_network', ['Pod orders-1', 'Rows of pods']],
    ['skip_containers', ['Pod orders-1', 'Rows of pods']],
    ['node_cluster', ['Node i-756d923d1987a272b', 'Rows of nodes', 'Rows of instances']],
    ['candidates', ['Node i-756d923d1987a272b', 'Pods that were on it']],
    ['sole_binding', ['Role prod-ng-1', 'Rows of role_bindings']],
    ['no_rule', ['Rows of node_agent_rules', 'The whole record']],
    ['service', ['The whole record']],
    ['something_new', []],
  ])('%s', (fact, expected) => {
    expect(labels({ fact })).toEqual(expected)
  })

  test('the rows are those of the inventory that it is from', () => {
    const association = sources({ fact: 'association', detail: `association a-1 with ${ROLE} is there since 2026-05-01T00:00:00Z` })
    expect(association.map((one) => one.label)).toEqual(['Workload shop/orders', 'Rows of pod_identity_associations', 'Rows of pods', 'Role orders'])
    expect(association[1]).toEqual({
      label: 'Rows of pod_identity_associations',
      path: '/sql',
      extra: { q: "SELECT *\nFROM pod_identity_associations\nWHERE cluster = 'prod'\n  AND namespace = 'shop'\n  AND service_account = 'orders'\nORDER BY valid_from DESC" },
    })
    expect(association[3]?.extra).toEqual({ role_arn: ROLE })
    expect(sources({ fact: 'pod_address', detail: '10.0.0.1 was the address of pod orders-2' })[0]?.extra?.q).toContain("WHERE pod_ip = '10.0.0.1'\n  AND pod = 'orders-2'")
    expect(sources({ fact: 'node_agent_rule', detail: 'kubelet, but the node showed no boot or image pull at that time' })[0]?.extra?.q).toContain("name = 'kubelet'")
    expect(sources({ fact: 'inventory', detail: 'the inventory of cluster prod shows its OIDC issuer x.y/z' })[0]?.extra?.q).toContain("FROM clusters\nWHERE cluster = 'prod'")
    expect(sources({ fact: 'oidc_provider', detail: 'the session came from oidc.eks.eu-west-1.amazonaws.com/id/0A1B; the record is not in the store' })[0]?.extra?.q).toContain("oidc_issuer = 'oidc.eks.eu-west-1.amazonaws.com/id/0A1B'")
  })

  test('a trust policy is that of the role that refused', () => {
    const list: Fact[] = [{ fact: 'refused', event_id: 'e', detail: `… for ${ROLE} failed with AccessDenied` }, { fact: 'trust_policy', detail: '{}' }]
    expect(labels(list[1] as Fact, ABOUT, list)).toEqual(['Role orders', 'Rows of roles'])
    expect(labels(list[0] as Fact, ABOUT, list)).toEqual(['Role orders'])
    expect(labels({ fact: 'trust_policy', detail: '{}' })).toEqual([])
  })

  test('a record needs nothing else, and without knowing whom it is about nothing is guessed', () => {
    expect(labels({ fact: 'node_role', event_id: 'e' })).toEqual([])
    expect(labels({ fact: 'no_binding' }, NOBODY)).toEqual([])
    expect(labels({ fact: 'candidates' }, NOBODY)).toEqual([])
  })

  test('names with quotes stay texts of the statement', () => {
    expect(sources({ fact: 'annotation' }, { ...ABOUT, namespace: "o'neil" })[1]?.extra?.q).toContain("namespace = 'o''neil'")
  })
})
