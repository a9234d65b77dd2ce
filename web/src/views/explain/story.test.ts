import { describe, expect, it } from 'vitest'
import { better } from './certainty'
import { confidence, isShared, sentence, sessionsOf, type Row, type Story } from './story'
import { eventChain, keyChain, workloadChain } from './ways'

function told(part: Partial<Story>): Story {
  return { verdict: '', event: null, attribution: null, chain: [], evidence: [], records: new Map(), sections: [], missing: [], ...part }
}

const call: Row = {
  event_id: 'e',
  event_time: '2026-05-01T12:00:00Z',
  event_source: 's3.amazonaws.com',
  event_name: 'ListBuckets',
  identity_type: 'AssumedRole',
  session_issuer_arn: 'arn:aws:iam::111122223333:role/web',
  access_key_id: 'ASIAAAAAAAAAAAAAAAAA',
  error_code: null,
}
const irsa: Row = { cluster: 'c', namespace: 'shop', service_account: 'web', access_path: 'irsa', actor: 'workload', hops: 0, confidence: 'exact' }

describe('isShared', () => {
  it('tells a session name of several from that of one', () => {
    expect(isShared(told({ verdict: 'shared by several identities: the access keys and their issuing records tell whose each call is' }))).toBe(true)
    expect(isShared(told({ verdict: 'workload shop/shared of c, by irsa, exact' }))).toBe(false)
  })
})

describe('the sessions behind it', () => {
  const first: Row = { hops: 0, access_key_id: 'ASIA0' }
  const second: Row = { hops: 1, access_key_id: 'ASIA1' }

  it('are those that the service names for a call', () => {
    expect(sessionsOf(told({ event: call, attribution: irsa, chain: [first, second] }))).toEqual([first, second])
    expect(sessionsOf(told({ event: call }))).toEqual([])
  })

  it('are those of the chain of credentials, or the one that they were issued to', () => {
    const issued = { title: 'issued to', rows: [second, first] }
    expect(sessionsOf(told({ sections: [issued] }))).toEqual([second])
    expect(sessionsOf(told({ sections: [issued, { title: 'chain', rows: [first, second] }] }))).toEqual([first, second])
    expect(sessionsOf(told({ verdict: 'shared by several identities: of this name', sections: [issued] }))).toEqual([])
  })
})

describe('sentence', () => {
  it('uses the names of the field and leaves the confidence to its badge', () => {
    expect(sentence(told({ verdict: 'workload ops/backup of myeks, by irsa through 2 assumed role(s), exact' }))).toBe(
      'Workload ops/backup of myeks, by IRSA through 2 assumed roles.',
    )
    expect(sentence(told({ verdict: 'workload a/b of c, pod p, by node_role, candidate' }))).toBe('Most likely workload a/b of c, pod p, by node role.')
    expect(sentence(told({ verdict: 'workload a/b reached AWS by irsa and node_role; it falls back to the node role, cause: no_binding' }))).toBe(
      'Workload a/b reached AWS by IRSA and node role; it falls back to the node role, cause: no binding.',
    )
  })
})

describe('confidence', () => {
  it('of many calls is the lowest', () => {
    const rows: Row[] = [{ confidence: 'exact' }, { confidence: 'candidate' }, { confidence: 'inferred' }]
    expect(confidence(told({ sections: [{ title: 'calls', rows }] }))).toBe('candidate')
    expect(confidence(told({}))).toBeNull()
  })
})

describe('the way to a call', () => {
  it('goes from the pod to the call and says what is not known', () => {
    const steps = eventChain(told({ event: call, attribution: irsa }), [])
    expect(steps.map((step) => step.title)).toEqual(['Pod', 'Service account', 'Binding', 'Role session', 'Call'])
    expect(steps[0]).toMatchObject({ unknown: true, name: { text: 'not known' } })
  })

  it('has a step for every role assumed', () => {
    const sessions: Row[] = [0, 1, 2].map((hops) => ({ hops, role_arn: `arn:aws:iam::111122223333:role/r${hops}`, access_key_id: `ASIA${hops}` }))
    const steps = eventChain(told({ event: call, attribution: { ...irsa, hops: 2 } }), sessions)
    expect(steps.map((step) => step.title).slice(3)).toEqual(['Role session', 'Assumed role 1', 'Assumed role 2', 'Call'])
  })

  it('names the call that issued the first session by its record', () => {
    const issued: Row = { hops: 0, event_id: 'i', event_name: 'AssumeRoleForPodIdentity', role_arn: 'arn:aws:iam::111122223333:role/web' }
    const binding = eventChain(told({ event: call, attribution: { ...irsa, access_path: 'pod_identity' } }), [issued])[2]
    expect(binding?.facts.map(([name, value]) => [name, value.text])).toEqual([['Issued by', 'AssumeRoleForPodIdentity']])
  })

  it('marks a guess as one', () => {
    const steps = eventChain(told({ event: call, attribution: { ...irsa, access_path: 'node_role', pod: 'p', confidence: 'candidate' } }), [])
    expect(steps.slice(0, 2).map((step) => [step.title, step.guess])).toEqual([
      ['Likeliest pod', true],
      ['Likeliest service account', true],
    ])
  })

  it('names no pod for what a node itself did, and no cluster for others', () => {
    const agent = { ...irsa, service_account: null, namespace: null, access_path: 'node_role', actor: 'node_agent', component: 'kubelet', node: 'i-1' }
    expect(eventChain(told({ event: call, attribution: agent }), [])[0]).toMatchObject({ title: 'Node agent', name: { text: 'kubelet' } })
    expect(eventChain(told({ event: { ...call, identity_type: 'IAMUser' } }), []).map((step) => step.title)).toEqual(['Caller', 'Call'])
  })

  it('says that a node’s key is shared', () => {
    const rows: Row[] = [
      { ...irsa, access_path: 'node_role', node: 'i-1', calls: 2 },
      { ...irsa, access_path: 'node_role', node: 'i-1', service_account: 'other', calls: 3 },
    ]
    const steps = keyChain(told({ sections: [{ title: 'calls', rows }] }), [{ mechanism: 'node_role', role_arn: 'arn:aws:iam::1:role/n', hops: 0 }])
    expect(steps.map((step) => step.name.text)).toEqual(['2 callers share it', 'n', '5'])
  })
})

describe('what would make it more certain', () => {
  it('is what the service says, as sentences', () => {
    expect(better(told({}))).toEqual([])
    const missing = [{ text: 'the store has no inventory of the pods of c', command: 'podtrail inventory collect' }]
    expect(better(told({ missing }))).toEqual([{ text: 'The store has no inventory of the pods of c.', command: 'podtrail inventory collect' }])
  })
})

/** Rows of refused calls with one role, two calls each. */
function refused(number: number): Row[] {
  return Array.from({ length: number }, () => ({ event_source: 's3.amazonaws.com', calls: 2, error_code: 'AccessDenied', hops: 0, role_arn: 'arn:aws:iam::111122223333:role/web', access_path: 'irsa' }))
}

describe('the way of a workload', () => {
  const asked = { kind: 'service_account', id: 'c/shop/web', cluster: 'c', namespace: 'shop', serviceAccount: 'web', pod: null } as const
  const figures = (number: number) => {
    const steps = workloadChain(told({ sections: [{ title: 'calls', rows: refused(number) }] }), asked)
    const last = steps.at(-1)
    const used = steps.find((step) => step.title === 'Role used')
    return [last?.name.text, last?.facts.find(([name]) => name === 'Failed')?.[1].text, used?.facts.find(([name]) => name === 'Calls')?.[1].text]
  }

  it('has the figures of all calls', () => {
    expect(figures(3)).toEqual(['6', '6', '6'])
  })

  it('says where the service gave no more rows, so that there may be more', () => {
    expect(figures(20)).toEqual(['40 or more', '40 or more', '40 or more'])
  })
})
