import { describe, expect, test } from 'vitest'
import { byCause, candidates, evidenceOf, fix, isOfAccount, narrowed, openText, podId, reasonsText, script, userAgents, who, whoFalls, whoFallsText, type Fallback } from './fallback'

const ROW: Fallback = {
  id: '0a9f5a619f1e049e',
  cluster: 'prod',
  role_arn: 'arn:aws:iam::111122223333:role/prod-ng-1',
  account_id: '111122223333',
  aws_region: 'eu-west-1',
  namespace: 'shop',
  service_account: 'orders',
  workload: 'Deployment/orders',
  pods: 'orders-1 orders-2',
  component: null,
  confidence: 'inferred',
  score: 0.99,
  candidates: null,
  cause: 'no_binding',
  evidence: '[]',
  first_seen: '2026-05-01T00:00:00Z',
  last_seen: '2026-05-02T00:00:00Z',
  calls: 10,
  denied: 0,
  actions: 'kms:Decrypt s3:GetObject s3:ListBuckets',
  nodes: 'i-01c5c04370c0e9a22',
  user_agents: null,
  fix: null,
}

const UNKNOWN: Fallback = {
  ...ROW,
  id: 'ffff',
  namespace: null,
  service_account: null,
  workload: null,
  confidence: 'unknown',
  cause: 'unknown',
  calls: 4,
  candidates: JSON.stringify([
    { namespace: 'blog', workload: 'CronJob/sitemap', service_account: 'default', score: 0.2, pods: ['sitemap-1'], reasons: [{ reason: 'seen', detail: 'it was on the node when the calls were made' }] },
    { namespace: 'media', workload: 'Deployment/pdf', service_account: 'pdf', score: 0.571, pods: ['pdf-1'], reasons: [] },
  ]),
}

describe('who', () => {
  test('names the workload where it is known', () => {
    expect(who(ROW)).toEqual({ name: 'shop/Deployment/orders', open: null })
  })
  test('says aloud what is not known', () => {
    expect(who({ ...ROW, workload: null })).toEqual({ name: 'shop/orders', open: 'workload not known' })
    expect(who({ ...UNKNOWN, component: 'external-dns' })).toEqual({ name: 'external-dns', open: 'pod not known' })
    expect(who(UNKNOWN)).toEqual({ name: 'Unknown pod', open: 'pod not known' })
  })
  test('a known workload is called so, whatever program it runs', () => {
    expect(who({ ...ROW, component: 'external-dns' }).name).toBe('shop/Deployment/orders')
  })
})

describe('numbers of who falls back', () => {
  test('count a workload once, and callers that are not known apart', () => {
    const rows = [ROW, { ...ROW, role_arn: 'another' }, { ...ROW, cluster: 'dev' }, UNKNOWN, { ...ROW, workload: null }]
    expect(whoFalls(rows)).toEqual({ workloads: 2, unknown: 2 })
    expect(whoFalls([])).toEqual({ workloads: 0, unknown: 0 })
  })
  test.each([
    [{ workloads: 15, unknown: 5 }, '15 workloads and 5 callers that are not known'],
    [{ workloads: 1, unknown: 1 }, '1 workload and 1 caller that is not known'],
    [{ workloads: 0, unknown: 2 }, '2 callers that are not known'],
    [{ workloads: 3, unknown: 0 }, '3 workloads'],
    [{ workloads: 0, unknown: 0 }, '0 workloads'],
  ])('%j in words', (numbers, text) => {
    expect(whoFallsText(numbers)).toBe(text)
  })
  test('a score is that of the service account where its workload is not known', () => {
    expect(isOfAccount({ ...ROW, workload: null })).toBe(true)
    expect(isOfAccount(ROW)).toBe(false)
    expect(isOfAccount(UNKNOWN)).toBe(false)
  })
})

describe('candidates', () => {
  test('come best first, with their number', () => {
    expect(candidates(UNKNOWN).map((one) => one.namespace)).toEqual(['media', 'blog'])
    expect(openText(UNKNOWN)).toBe('2 candidates, best media/Deployment/pdf (0.57)')
  })
  test('may be none, or not readable', () => {
    expect(openText(ROW)).toBe('no candidates')
    expect(candidates({ candidates: '{broken' })).toEqual([])
  })
})

test('reasons are told as one sentence', () => {
  const reasons = [
    { reason: 'seen', detail: 'it was on the node' },
    { reason: 'covered', detail: 'it has credentials of its own' },
  ]
  expect(reasonsText({ reasons })).toBe('It was on the node; it has credentials of its own.')
  expect(reasonsText({ reasons: [] })).toBe('')
})

describe('fix', () => {
  const steps = [
    { title: 'Set', command: "A='b'" },
    { title: 'Do', command: 'aws x' },
  ]
  const notes = [{ code: 'denied', text: 's3:ListAllMyBuckets was refused' }]
  test('is read whole', () => {
    expect(fix({ fix: JSON.stringify({ summary: 'Do it.', commands: steps, terraform: null, policy: [{}], policy_notes: notes, notes: ['n'] }) })).toEqual({
      summary: 'Do it.',
      commands: steps,
      terraform: null,
      policy: [{}],
      policy_notes: notes,
      notes: ['n'],
    })
    expect(fix({ fix: '{"summary":"Do it."}' })?.policy_notes).toEqual([])
    expect(fix({ fix: null })).toBeNull()
    expect(fix({ fix: '{}' })).toBeNull()
  })
  test('becomes one script', () => {
    expect(script(steps)).toBe("# Set\nA='b'\n\n# Do\naws x\n")
  })
})

test('causes are counted, the unknown last', () => {
  expect(byCause([UNKNOWN, UNKNOWN, ROW, { cause: null, calls: null }])).toEqual([
    { cause: 'no_binding', rows: 1, calls: 10 },
    { cause: 'unknown', rows: 3, calls: 8 },
  ])
})

describe('narrowed', () => {
  const all = { namespace: null, cause: null, confidence: null, q: null }
  test('takes each filter', () => {
    const rows = [ROW, UNKNOWN]
    expect(narrowed(rows, all)).toHaveLength(2)
    expect(narrowed(rows, { ...all, namespace: 'shop' })).toEqual([ROW])
    expect(narrowed(rows, { ...all, cause: 'unknown' })).toEqual([UNKNOWN])
    expect(narrowed(rows, { ...all, confidence: 'candidate' })).toEqual([])
  })
  test('finds all words, in candidates too', () => {
    expect(narrowed([ROW, UNKNOWN], { ...all, q: 'MEDIA pdf' })).toEqual([UNKNOWN])
    expect(narrowed([ROW, UNKNOWN], { ...all, q: 'no binding' })).toEqual([ROW])
    expect(narrowed([ROW, UNKNOWN], { ...all, q: 'orders nothing' })).toEqual([])
    expect(narrowed([ROW, UNKNOWN], { ...all, q: 'sitemap-1' })).toEqual([UNKNOWN])
  })
  test('does not find what reasons say of many', () => {
    expect(narrowed([ROW, UNKNOWN], { ...all, q: 'on the node when' })).toEqual([])
  })
})

test('user agents keep their blanks', () => {
  expect(userAgents({ user_agents: 'Boto3/1 md/x\nsecretsmanager.amazonaws.com' })).toEqual(['Boto3/1 md/x', 'secretsmanager.amazonaws.com'])
})

describe('evidence', () => {
  test('tells of the SDK in words', () => {
    const sdk = JSON.stringify({ binding: 'pod_identity', minimum: '2.21.30', sdk: 'AWS SDK for Java 2.x', version: '2.20.74' })
    const { list } = evidenceOf({ ...ROW, evidence: JSON.stringify([{ fact: 'sdk', detail: sdk }]) })
    expect(list[0]?.detail).toBe('AWS SDK for Java 2.x 2.20.74 is older than 2.21.30, the first version that knows EKS Pod Identity')
  })
  test('sets the trust policy apart', () => {
    const { list, trustPolicy } = evidenceOf({ ...ROW, evidence: JSON.stringify([{ fact: 'trust_policy', detail: '{"Statement":[],"Version":"2012-10-17"}' }]) })
    expect(list[0]?.detail).toContain('system:serviceaccount:shop:orders')
    expect(trustPolicy).toBe('{\n  "Version": "2012-10-17",\n  "Statement": []\n}')
  })
})

test('a pod is explained by its whole name', () => {
  expect(podId('prod', 'shop', 'orders', 'orders-1')).toBe('prod/shop/orders/orders-1')
  expect(podId('prod', null, null, 'orders-1')).toBeNull()
})
