import { describe, expect, it } from 'vitest'
import type { FlowRow } from './flow'
import { bindingOf, clustersByRole, filterRoles, hint, isShared, observed, proofText, sharedBadge, usersOf, type Finding, type RoleFilter, type RoleRow } from './roles'

function role(given: Partial<RoleRow>): RoleRow {
  return {
    role_arn: 'arn:aws:iam::111122223333:role/cart',
    kind: 'workload',
    clusters: null,
    proof: null,
    access_paths: 'irsa',
    used_by: 1,
    bindings: 1,
    bound_to: 'prod/shop/cart',
    wildcard_trust: false,
    calls: 10,
    denied: 0,
    first_seen: null,
    last_seen: null,
    ...given,
  }
}

const flow: FlowRow = {
  cluster: 'test',
  namespace: 'shop',
  service_account: 'cart',
  access_path: 'irsa',
  role_arn: 'arn:aws:iam::111122223333:role/cart',
  event_source: 's3.amazonaws.com',
  calls: 10,
  denied: 0,
}

const finding: Finding = {
  finding: 'unused',
  mechanism: 'irsa',
  role_arn: 'arn:aws:iam::111122223333:role/cart',
  cluster: 'prod',
  namespace: 'shop',
  service_account: 'cart-v1',
  proof: 'trust policy',
  service_accounts_of_role: 1,
  observed_from: '2026-05-01T00:00:00Z',
  observed_to: '2026-05-03T12:00:00Z',
}

const all: RoleFilter = { cluster: null, kind: null, event_source: null, shared: false, unused: false, q: null }

describe('bindingOf', () => {
  it('reads cluster, namespace and service account', () => {
    expect(bindingOf('prod/shop/cart')).toEqual({ cluster: 'prod', namespace: 'shop', serviceAccount: 'cart' })
    expect(bindingOf('oidc.eks.eu-west-1.amazonaws.com/id/ABC/shop/cart')?.cluster).toBe('oidc.eks.eu-west-1.amazonaws.com/id/ABC')
    const cluster = 'arn:aws:eks:eu-west-1:111122223333:cluster/prod'
    expect(bindingOf(`${cluster}/shop/cart`)).toEqual({ cluster, namespace: 'shop', serviceAccount: 'cart' })
    expect(bindingOf(`${cluster}/shop/*`)).toBeNull()
  })
  it('takes a pattern for no service account', () => {
    expect(bindingOf('prod/shop/*')).toBeNull()
    expect(bindingOf('prod/shop')).toBeNull()
    expect(bindingOf('oidc.eks.eu-west-1.amazonaws.com/id/ABC/shop')).toBeNull()
  })
})

describe('clustersByRole', () => {
  it('takes clusters of the row, of bindings and of calls', () => {
    expect(clustersByRole([role({ clusters: 'dev' })], [flow]).get('arn:aws:iam::111122223333:role/cart')).toEqual(['dev', 'prod', 'test'])
  })
})

describe('filterRoles', () => {
  const roles = [role({}), role({ role_arn: 'arn:aws:iam::111122223333:role/ng', kind: 'node_role', used_by: 5, bindings: 0, bound_to: null }), role({ role_arn: 'arn:aws:iam::1:role/old', calls: null, used_by: null })]
  const clusters = clustersByRole(roles, [flow])
  const names = (filter: Partial<RoleFilter>) => filterRoles(roles, [flow], clusters, { ...all, ...filter }).map((one) => one.role_arn?.split('/').at(-1))

  it('narrows by each filter', () => {
    expect(names({})).toEqual(['cart', 'ng', 'old'])
    expect(names({ kind: 'node_role' })).toEqual(['ng'])
    expect(names({ shared: true })).toEqual(['ng'])
    expect(names({ unused: true })).toEqual(['old'])
    expect(names({ cluster: 'test' })).toEqual(['cart'])
    expect(names({ event_source: 's3.amazonaws.com' })).toEqual(['cart'])
    expect(names({ q: 'ROLE/CART shop' })).toEqual(['cart'])
  })
})

describe('sharedBadge', () => {
  it('tells a shared role from a node role that pods fall back to', () => {
    expect(isShared(role({ used_by: 0, bindings: 2 }))).toBe(true)
    expect(sharedBadge(role({}))).toBeNull()
    expect(sharedBadge(role({ used_by: 2 }))?.text).toBe('shared')
    expect(sharedBadge(role({ used_by: 2, kind: 'node_role' }))?.text).toBe('fallback')
  })
})

describe('findings', () => {
  it('says what the calls of others mean for a binding', () => {
    expect(hint(finding, role({ calls: 4, denied: 4 }))).toContain('wrong service account')
    expect(hint(finding, role({ calls: 4, denied: 0 }))).toContain('by others')
    expect(hint(finding, role({ calls: null }))).toBeNull()
  })
  it('tells the days that they rest on', () => {
    expect(observed([finding])?.days).toBe(2.5)
    expect(observed([])).toBeNull()
    expect(observed([{ observed_from: null, observed_to: null }])).toBeNull()
    const longer = { ...finding, observed_from: '2026-04-01T00:00:00Z' }
    expect(observed([longer, finding])).toEqual({ from: '2026-05-01T00:00:00Z', to: '2026-05-03T12:00:00Z', days: 2.5 })
  })
})

describe('usersOf', () => {
  it('adds up what one user called, apart by access path', () => {
    const users = usersOf([flow, { ...flow, event_source: 'sqs.amazonaws.com', calls: 2, denied: 1 }, { ...flow, access_path: 'node_role', calls: null }])
    expect(users.map((user) => [user.access_path, user.services.join(' '), user.calls, user.denied])).toEqual([
      ['irsa', 's3 sqs', 12, 1],
      ['node_role', 's3', 0, 0],
    ])
  })
})

describe('proofText', () => {
  it.each(['assume_role_for_pod_identity', 'vpc_cni', 'kubelet_authentication', 'CreateNodegroup', 'CreateFargateProfile', 'CreateAccessEntry of type EC2_LINUX'])('says %s in words', (proof) => {
    expect(proofText(proof)).not.toBe(proof)
    expect(proofText(proof)).not.toContain('_for_')
    expect(proofText(proof)?.split(' ').length).toBeGreaterThan(3)
  })
  it('keeps what is words already', () => {
    expect(proofText('node group ng-1')).toBe('node group ng-1')
    expect(proofText('aws-auth maps it to system:nodes')).toBe('aws-auth maps it to system:nodes')
    expect(proofText(null)).toBeNull()
  })
})
