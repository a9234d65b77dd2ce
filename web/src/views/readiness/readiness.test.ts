import { describe, expect, test } from 'vitest'
import { byRole, closedOf, countVerdicts, gaps, inOrder, keyOf, length, options, regionOf, sentence, split, verdict, whatBreaks, type Fallback, type Node, type NodeRole } from './readiness'

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
    safe: { roles: 1, instances: 3 },
    breaks: { roles: 2, instances: 6 },
    unknown: { roles: 1, instances: 3 },
  })
})

test('a verdict that is not known is never safe', () => {
  expect(verdict({ hop_limit_1: 'perhaps' })).toBe('unknown')
  expect(verdict({ hop_limit_1: null })).toBe('unknown')
})

test('sentences agree with their number', () => {
  const breaks = { ...ROW, hop_limit_1: 'breaks' }
  const one = { ...breaks, workloads_that_break: 1, breaks: 'shop/Deployment/a' }
  const two = { ...breaks, workloads_that_break: 2, breaks: 'shop/Deployment/a, shop/Deployment/b' }
  expect(sentence(one)).toContain('1 workload would lose the credentials that it uses now')
  expect(sentence(two)).toContain('2 workloads would lose the credentials that they use now')
  expect(sentence(ROW)).toContain('can go to hop limit 1 today')
  expect(sentence(ROW, true)).toContain('already')
  expect(sentence(two, true)).toContain('2 workloads used the role')
  expect(sentence({ ...ROW, hop_limit_1: 'unknown' })).toContain('too little was observed')
})

test('callers that are not known are no workloads that break', () => {
  const row = { cluster: 'prod', breaks: 'an unknown pod, shop/Deployment/a, shop/Deployment/b' }
  expect(whatBreaks([row])).toEqual({ text: '2 workloads and callers that are not known', isOne: false })
  expect(whatBreaks([{ ...row, breaks: 'an unknown pod' }])).toEqual({ text: 'callers that are not known', isOne: false })
  expect(whatBreaks([{ ...row, breaks: 'shop/Deployment/a' }])).toEqual({ text: '1 workload', isOne: true })
  // On two node roles it is still one, in another cluster it is another.
  expect(whatBreaks([row, row, { cluster: 'dev', breaks: 'shop/Deployment/a' }]).text).toBe('3 workloads and callers that are not known')
  expect(whatBreaks([{ cluster: 'prod', breaks: null }]).text).toBe('0 workloads')
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

const gapsOf = (not_observed: string, more: Partial<NodeRole> = {}) => gaps({ ...ROW, ...more, not_observed })

describe('gaps', () => {
  const WEEK_LATER = '2026-05-08T00:00:00.000Z'

  test('come one by one, each with what to do', () => {
    const found = gapsOf("less than 7 days of trail: what runs weekly was not seen; calls that may be a pod's or a node agent's", { unknown_calls: 7 })
    expect(found).toEqual([
      {
        what: 'Less than 7 days of trail: what runs weekly was not seen.',
        advice: 'Read older log files of the trail.',
        until: WEEK_LATER,
        command: 'podtrail ingest SOURCE --from -7d',
      },
      { what: "Calls that may be a pod's or a node agent's.", advice: '7 calls fit both. Nodes shows where they were made.', until: null, command: null },
    ])
  })
  test('nodes that are new are waited for', () => {
    const text = 'its nodes were seen for less than 7 days: what runs weekly was not seen'
    expect(gapsOf(text)).toEqual([{ what: 'Its nodes were seen for less than 7 days: what runs weekly was not seen.', advice: null, until: WEEK_LATER, command: null }])
    expect(gapsOf(text, { observed_from: null })[0]).toMatchObject({ advice: 'Wait until they were seen for 7 days.', until: null })
  })
  test('days without records are read', () => {
    expect(gapsOf('2 days without records: what ran then was not seen')[0]).toMatchObject({
      advice: 'Read the log files of these days, which Ingestion names.',
      command: 'podtrail ingest SOURCE --from FIRST_DAY --to LAST_DAY',
    })
    expect(gapsOf('1 day without records: 2026-05-04')[0]?.command).toBe('podtrail ingest SOURCE --from 2026-05-04 --to 2026-05-04')
    expect(gapsOf('3 days without records: 2026-05-04, 2026-05-09 to 2026-05-10')[0]?.command).toBe('podtrail ingest SOURCE --from 2026-05-04 --to 2026-05-10')
  })
  test('what the inventory lacks is collected', () => {
    const found = gapsOf("no inventory of the cluster's pods; no data events: calls on S3 objects, DynamoDB items and the like do not show; 2 instances whose metadata options were not seen")
    expect(found.map((one) => one.command)).toEqual(['podtrail inventory collect', null, 'podtrail inventory collect'])
    expect(found.every((one) => one.advice !== null)).toBe(true)
  })
  test('keep a text that is new', () => {
    expect(gapsOf('something else')).toEqual([{ what: 'Something else.', advice: null, until: null, command: null }])
    expect(gapsOf('')).toEqual([])
    expect(gaps({ ...ROW, not_observed: null })).toEqual([])
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
