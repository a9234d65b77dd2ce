import { describe, expect, test } from 'vitest'
import { byRole, closedOf, countVerdicts, gaps, inOrder, keyOf, length, options, regionOf, sentence, split, verdict, type Fallback, type Node, type NodeRole } from './readiness'

const ROW: NodeRole = {
  cluster: 'prod',
  role_arn: 'arn:aws:iam::111122223333:role/a',
  nodegroups: 'ng-1, ng-2',
  running_instances: 3,
  closed_instances: 0,
  hop_limit_1: 'safe',
  workloads_that_break: 0,
  breaks: '',
  host_network_workloads: null,
  unknown_calls: 0,
  not_observed: '',
  observed_from: '2026-05-01T00:00:00Z',
  observed_to: '2026-05-20T00:00:00Z',
}

const used = (cause: string, calls: number) => ({ cause, calls }) as Fallback
const instance = (hop_limit: number | null, http_tokens: string | null, valid_to: string | null = null) => ({ hop_limit, http_tokens, valid_to }) as Node
const named = (node_name: string | null) => ({ node_name })

test('what can be switched today comes first, then what has least left to fix', () => {
  const many = { ...ROW, cluster: 'many', hop_limit_1: 'breaks', workloads_that_break: 9 }
  const few = { ...ROW, cluster: 'few', hop_limit_1: 'breaks', workloads_that_break: 1 }
  const unknown = { ...ROW, cluster: 'unknown', hop_limit_1: 'unknown' }
  expect(inOrder([unknown, many, few, ROW]).map((row) => row.cluster)).toEqual(['prod', 'few', 'many', 'unknown'])
  expect(countVerdicts([unknown, many, few, ROW])).toEqual({
    safe: { roles: 1, instances: 3, workloads: 0 },
    breaks: { roles: 2, instances: 6, workloads: 10 },
    unknown: { roles: 1, instances: 3, workloads: 0 },
  })
})

test('a verdict that is not known is never safe', () => {
  expect(verdict({ hop_limit_1: 'perhaps' })).toBe('unknown')
  expect(verdict({ hop_limit_1: null })).toBe('unknown')
})

test('sentences agree with their number', () => {
  expect(sentence({ ...ROW, hop_limit_1: 'breaks', workloads_that_break: 1 })).toContain('1 workload would lose the credentials that it uses now')
  expect(sentence({ ...ROW, hop_limit_1: 'breaks', workloads_that_break: 2 })).toContain('2 workloads would lose the credentials that they use now')
  expect(sentence(ROW)).toContain('can go to hop limit 1 today')
  expect(sentence(ROW, true)).toContain('already')
  expect(sentence({ ...ROW, hop_limit_1: 'breaks', workloads_that_break: 2 }, true)).toContain('2 workloads used the role')
  expect(sentence({ ...ROW, hop_limit_1: 'unknown' })).toContain('too little was observed')
})

test('rows are found by cluster and role', () => {
  const rows = [ROW, { ...ROW, cluster: 'dev' }, ROW]
  expect(byRole(rows).get(keyOf(ROW))).toHaveLength(2)
  expect(byRole(rows).get('dev arn:aws:iam::111122223333:role/a')).toHaveLength(1)
})

test('pods on the host network keep their access', () => {
  const { breaking, keeping } = split([used('no_binding', 1), used('host_network', 5), used('unknown', 7)])
  expect(breaking.map((one) => one.cause)).toEqual(['unknown', 'no_binding'])
  expect(keeping.map((one) => one.cause)).toEqual(['host_network'])
})

test('options are those of running instances', () => {
  expect(options([instance(2, 'optional'), instance(1, 'required'), instance(2, 'optional'), instance(1, 'required', '2026-05-01T00:00:00Z')])).toEqual([
    { hop_limit: 1, http_tokens: 'required', instances: 1, closed: true },
    { hop_limit: 2, http_tokens: 'optional', instances: 2, closed: false },
  ])
})

describe('gaps', () => {
  test('say what to do', () => {
    const found = gaps({ ...ROW, unknown_calls: 7, not_observed: 'less than 7 days of trail: what runs weekly was not seen; calls that may be a pod\'s or a node agent\'s' })
    expect(found).toEqual([
      { what: 'Less than 7 days of trail: what runs weekly was not seen.', advice: 'Read older log files of the trail, or wait until 2026-05-08 00:00 UTC.' },
      { what: "Calls that may be a pod's or a node agent's.", advice: '7 calls fit both. Nodes shows where they were made.' },
    ])
  })
  test('keep a text that is new', () => {
    expect(gaps({ ...ROW, not_observed: 'something else' })).toEqual([{ what: 'Something else.', advice: null }])
    expect(gaps(ROW)).toEqual([])
  })
})

test('closed instances are counted where running ones are known', () => {
  expect(closedOf([instance(1, 'required'), instance(1, 'optional'), instance(1, 'required', '2026-05-01T00:00:00Z')])).toBe(1)
  expect(closedOf([])).toBeNull()
})

test('the region is that of all instances, or not known', () => {
  expect(regionOf([named('ip-10-0-1-2.eu-west-1.compute.internal'), named(null)])).toBe('eu-west-1')
  expect(regionOf([named('ip-10-0-1-2.us-gov-west-1.compute.internal')])).toBe('us-gov-west-1')
  expect(regionOf([named('ip-10-0-1-2.ec2.internal')])).toBe('us-east-1')
  expect(regionOf([named('ip-10-0-1-2.ec2.internal'), named('ip-10-0-1-2.eu-west-1.compute.internal')])).toBeNull()
  expect(regionOf([named('i-0123456789abcdef0')])).toBeNull()
})

test('lengths of time are in hours at first, then in whole days', () => {
  expect(length(172_000)).toBe('47 hours')
  expect(length(7 * 86_400 - 1)).toBe('6 days')
})
