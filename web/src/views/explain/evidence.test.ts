import { describe, expect, test } from 'vitest'
import { aboutStory, evidenceOf } from './evidence'
import { sourcesOf } from '../../components/sources'
import type { Row, Story } from './story'
import { subject, type Asked } from './subject'
import { roleChain } from './ways'

const ROLE = 'arn:aws:iam::111122223333:role/web'

function told(sections: Record<string, Row[]>, part: Partial<Story> = {}): Story {
  return { verdict: '', event: null, attribution: null, chain: [], evidence: [], records: new Map(), sections: Object.entries(sections).map(([title, rows]) => ({ title, rows })), missing: [], ...part }
}

const asked = (id: string) => subject(id) as Asked

/** Facts with what they open: the record, then the other places. */
function opened(story: Story, id: string): [fact: string, opens: (string | null | undefined)[]][] {
  const list = evidenceOf(story, asked(id))
  const about = aboutStory(story, asked(id))
  return list.map((fact) => [fact.fact, [fact.event_id, ...sourcesOf(fact, about, list).map((one) => one.label)].filter((one) => one !== null && one !== undefined)])
}

const steps = (sections: Record<string, Row[]>) => roleChain(told(sections), ROLE).map((step) => [step.title, step.name.text])

describe('the evidence of what is no call', () => {
  test('of an access key: the record that issued it, its calls, and whose they are', () => {
    const story = told({
      'issued to': [{ mechanism: 'irsa', role_arn: ROLE, namespace: 'shop', service_account: 'web', event_id: 'e1' }],
      'shown by': [{ identity_arn: 'arn:aws:sts::1:assumed-role/web/s', calls: 8, first_seen: '2026-05-01T12:00:00Z', last_seen: '2026-05-01T13:00:00Z' }],
      calls: [{ access_path: 'irsa', calls: 8 }],
    })
    expect(opened(story, 'ASIAPNQXOKNDIUJOXOZK')).toEqual([
      ['issued_by', ['e1']],
      ['shown_by', ['The calls, one by one']],
      ['attribution', ['Whose each call is, and why']],
    ])
    const [issued, shown] = evidenceOf(story, asked('ASIAPNQXOKNDIUJOXOZK'))
    expect(issued?.detail).toBe('credentials of web, by IRSA to shop/web')
    expect(shown?.detail).toBe('8 calls with 1 session ARN, from 2026-05-01 12:00:00 to 2026-05-01 13:00:00 UTC')
  })

  test('of a session ARN: its keys', () => {
    const story = told({ 'shown by': [1, 2].map((key) => ({ access_key_id: `ASIA${key}`, calls: 1, first_seen: '2026-05-01T12:00:00Z', last_seen: '2026-05-01T13:00:00Z' })) })
    expect(evidenceOf(story, asked('arn:aws:sts::111122223333:assumed-role/web/s'))[0]?.detail).toContain('2 calls with 2 access keys')
  })

  test('of a pod: its calls, bindings, refusals and its row of the inventory', () => {
    const story = told({
      calls: [
        { access_path: 'irsa', calls: 3, event_id: 'e1' },
        { access_path: 'irsa', calls: 2, event_id: 'e2' },
        { access_path: 'node_role', calls: 1, event_id: 'e3' },
      ],
      refused: [{ role_arn: ROLE, error_code: 'AccessDenied', event_id: 'e4' }],
      bindings: [
        { mechanism: 'irsa', role_arn: ROLE, proof: 'trust policy' },
        { mechanism: 'pod_identity', role_arn: ROLE, proof: 'Pod Identity association' },
      ],
      pods: [{ pod: 'web-0', instance_id: 'i-0123456789abcdef0', pod_ip: '10.0.0.1', valid_from: '2026-05-01T12:00:00Z' }],
    })
    expect(opened(story, 'prod/shop/web/web-0')).toEqual([
      ['calls', ['e1']],
      ['calls', ['e3']],
      ['refused', ['e4', 'Role web']],
      ['binding', ['Rows of roles', 'Rows of role_bindings', 'Role web']],
      ['binding', ['Rows of pod_identity_associations', 'Rows of role_bindings', 'Role web']],
      ['pod', ['Rows of pods', 'Node i-0123456789abcdef0']],
    ])
    expect(evidenceOf(story, asked('prod/shop/web/web-0'))[0]?.detail).toBe('5 calls by IRSA, one of them this event')
  })

  test('of a role: what shows that it is of nodes, who used it, who may', () => {
    const story = told({
      'node role of': [
        { cluster: 'prod', proof: 'vpc_cni', event_id: 'e1' },
        { cluster: 'prod', proof: 'node group ng-1', event_id: null },
      ],
      'used by': [{ namespace: 'shop', service_account: 'web', access_path: 'node_role', calls: 4, event_id: 'e2' }],
      'bound to': [{ namespace: 'shop', service_account: 'web', proof: 'trust policy' }],
      'credentials issued to': [{ sessions: 7 }],
      'in the inventory': [{ role_arn: ROLE }],
    })
    expect(opened(story, ROLE)).toEqual([
      ['node_role', ['e1']],
      ['node_role', ['Rows of node_roles']],
      ['used_by', ['e2']],
      ['bound_to', ['Rows of role_bindings', 'Rows of roles']],
      ['issued_to', ['The records of them']],
      ['role', ['Rows of roles']],
    ])
  })

  test('every fact opens something', () => {
    const section = Array.from({ length: 20 }, (_, at) => ({ cluster: 'c', namespace: 'n', service_account: `a${at}`, calls: 1, sessions: 1, event_id: 'e', proof: 'trust policy' }))
    const story = told({ 'used by': section, 'bound to': section, 'credentials issued to': section, 'sessions without an issuing record': section })
    const facts = opened(story, ROLE)
    expect(facts.length).toBeGreaterThan(5)
    expect(facts.filter(([, opens]) => opens.length === 0)).toEqual([])
    expect(evidenceOf(story, asked(ROLE)).find((fact) => fact.fact === 'bound_to')?.detail).toContain('at least 20')
  })

  test('what the service lists itself is taken as it is, its proofs in words', () => {
    const evidence = [
      { fact: 'something', detail: null, event_id: 'e' },
      { fact: 'node_role', detail: 'role proven by vpc_cni', event_id: 'e' },
    ]
    expect(evidenceOf(told({}, { evidence }), asked('prod/shop/web'))).toEqual([evidence[0], { ...evidence[1], detail: 'role proven by a call of the VPC CNI of a node' }])
  })
})

describe('the way through a role', () => {
  test('goes from the only service account to the calls', () => {
    const row = { cluster: 'prod', namespace: 'shop', service_account: 'web' }
    const sections = {
      'used by': [{ ...row, access_path: 'irsa', actor: 'workload', calls: 1200, denied: 3 }],
      'bound to': [{ ...row, mechanism: 'irsa', proof: 'trust policy' }],
    }
    expect(steps(sections)).toEqual([
      ['Service account', 'shop/web'],
      ['Access path', 'IRSA'],
      ['Role', 'web'],
      ['Calls', '1,200'],
    ])
    expect(roleChain(told(sections), ROLE)[0]?.name.to?.path).toBe('/workloads/prod/shop/web')
    expect(roleChain(told(sections), ROLE)[3]?.facts[0]).toEqual(['Denied', { text: '3' }])
  })

  test('names those who may use it and did not', () => {
    const [users, path, , calls] = roleChain(told({ 'bound to': ['a', 'b'].map((service_account) => ({ cluster: 'prod', namespace: 'shop', service_account, mechanism: 'pod_identity', proof: 'Pod Identity association' })) }), ROLE)
    expect(users?.facts.map(([name, value]) => [name, value.text])).toEqual([
      ['May use it, no call', 'shop/a'],
      ['May use it, no call', 'shop/b'],
    ])
    expect(path?.name.text).toBe('EKS Pod Identity')
    expect(calls).toMatchObject({ unknown: true, name: { text: 'none in the store' } })
  })

  test('of a node role goes over the nodes, and is marked where a workload took it', () => {
    const sections = {
      'node role of': [{ cluster: 'prod', proof: 'vpc_cni', event_id: 'e' }],
      'used by': [
        { cluster: 'prod', actor: 'node_agent', component: 'ssm-agent', access_path: 'node_role', calls: 2 },
        { cluster: 'prod', actor: 'workload', access_path: 'node_role', calls: 5 },
      ],
    }
    expect(steps(sections)).toEqual([
      ['Callers', '2'],
      ['Nodes, by IMDS', 'of prod'],
      ['Node role', 'web'],
      ['Calls', '7'],
    ])
    const [users, nodes] = roleChain(told(sections), ROLE)
    expect(users?.facts.map(([name, value]) => [name, value.text])).toEqual([
      ['5 calls', 'Workload, not known which'],
      ['2 calls', 'ssm-agent'],
    ])
    expect(nodes).toMatchObject({ failed: true, name: { to: { path: '/nodes', extra: { role_arn: ROLE } } } })
  })

  test('says what is not known, and that there may be more', () => {
    expect(steps({ 'in the inventory': [{ role_arn: ROLE }] })).toEqual([
      ['Callers', 'none known'],
      ['Access path', 'none known'],
      ['Role', 'web'],
      ['Calls', 'none in the store'],
    ])
    const many = Array.from({ length: 20 }, (_, at) => ({ cluster: 'prod', namespace: 'n', service_account: `a${at}`, access_path: 'irsa', hops: 1, calls: 1 }))
    expect(steps({ 'used by': many })).toEqual([
      ['Service accounts', '20 or more'],
      ['Access path', 'assumed from another role'],
      ['Role', 'web'],
      ['Calls', '20 or more'],
    ])
  })
})
