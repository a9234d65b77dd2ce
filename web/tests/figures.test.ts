// Every view shows the figures that the API gives.
import { beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { arnName, bytes, count, scoreText, share } from '../src/format'
import { utcTime } from '../src/state/time'
import { ACCESS_PATHS, CAUSES, CONFIDENCES, HOP_LIMIT } from '../src/terms'
import { whoFalls, whoFallsText } from '../src/views/fallbacks/fallback'
import type { Schemas } from '../src/api/client'
import { api, visits } from './support/browser'
import { read, soon, table } from './support/table'
import { WORKLOAD, views, type View, type ViewName } from './support/views'

const { open, expectRefusals } = visits()
let all: Record<ViewName, View>

beforeAll(async () => {
  all = await views()
})

const list = async <Row>(path: string): Promise<Row[]> => (await api<{ items: Row[] }>(`${path}${path.includes('?') ? '&' : '?'}limit=10000`)).items

const sum = <Row>(rows: readonly Row[], of: (row: Row) => number | null): number => rows.reduce((total, row) => total + (of(row) ?? 0), 0)

/** Text of the tile with this name: name, figure, note. */
const tile = async (page: Page, name: string): Promise<string[]> => {
  const text = await page.getByRole('main').locator('span').getByText(name, { exact: true }).first().locator('..').innerText()
  return text.split('\n').map((line) => line.trim())
}

/** The row with most calls: tables begin with it. */
const most = <Row extends { calls: number | null }>(rows: readonly Row[]): Row => {
  const first = rows.toSorted((a, b) => (b.calls ?? 0) - (a.calls ?? 0))[0]
  if (first === undefined) {
    throw new Error('the demo has no such rows')
  }
  return first
}

test('overview', async () => {
  const { page } = await open(all.overview.path)
  const summary = await api<Schemas['Summary']>('/api/v1/summary')
  const fallbacks = await list<Schemas['FallbackRow']>('/api/v1/fallbacks')
  const readiness = await list<Schemas['ReadinessRow']>('/api/v1/readiness')
  const coverage = await list<Schemas['CoverageRow']>('/api/v1/coverage')
  expect(summary.calls).toBeGreaterThan(1000)
  expect(await tile(page, 'Calls in the time range')).toContain(count(summary.calls))
  const { workloads, unknown } = whoFalls(fallbacks)
  expect(unknown).toBeGreaterThan(0)
  const onNodeRole = await tile(page, 'Workloads on node role')
  expect(onNodeRole).toContain(count(workloads))
  expect(onNodeRole.join(' ')).toContain(whoFallsText({ workloads: 0, unknown }))
  const safe = readiness.filter((row) => row.hop_limit_1 === 'safe').length
  expect(await tile(page, 'Safe for hop limit 1')).toContain(`${safe} of ${readiness.length}`)
  expect(await tile(page, 'Unattributed calls')).toContain(share(summary.calls - summary.attributed_calls, summary.calls))

  const top = await read(table(page, 'Workloads on the node role with the most calls'))
  expect(top.rows.map((row) => row.Calls)).toEqual(
    fallbacks
      .map((row) => row.calls ?? 0)
      .toSorted((a, b) => b - a)
      .slice(0, top.count)
      .map(count),
  )
  const reasons = await read(table(page, 'Reasons why calls are not attributed'))
  expect(reasons.count).toBe(summary.unattributed.length)
  expect(reasons.rows.map((row) => row.Calls)).toEqual(
    summary.unattributed
      .map((row) => row.calls ?? 0)
      .toSorted((a, b) => b - a)
      .map(count),
  )
  const covered = await read(table(page, 'Coverage by account and region'))
  expect(covered.rows.map((row) => [row.Account, row.Region, row.Events, row.Attributed])).toEqual(
    coverage.map((row) => [row.recipient_account_id, row.aws_region, count(row.events), share(row.attributed ?? 0, row.events ?? 0)]),
  )
  // The demo has no digests.
  expect(covered.rows.map((row) => row['Proven time'])).toEqual(coverage.map(() => 'no time'))
})

test('overview, calls over time as a table', async () => {
  const { page } = await open(`${all.overview.path}?cluster=myeks`)
  const timeline = await list<Schemas['TimelineRow']>('/api/v1/timeline?cluster=myeks')
  expect(await tile(page, 'Calls in the time range')).toContain(count(sum(timeline, (row) => row.calls)))
  await page.getByRole('button', { name: 'Show as a table' }).first().click()
  const figures = page.getByRole('region', { name: /as a table$/ }).first()
  const cells = await figures.getByRole('cell').allInnerTexts()
  const numbers = cells.filter((cell) => /^[\d,]+$/.test(cell)).map((cell) => Number(cell.replaceAll(',', '')))
  const heads = await figures.getByRole('columnheader').allInnerTexts()
  // A column of sums would count each call twice.
  const times = heads.some((head) => /^(?:total|all)/i.test(head)) ? 2 : 1
  expect(numbers.reduce((a, b) => a + b, 0)).toBe(times * sum(timeline, (row) => row.calls))
})

test('fallbacks', async () => {
  const { page } = await open(all.fallbacks.path)
  const rows = await list<Schemas['FallbackRow']>('/api/v1/fallbacks')
  const { workloads, unknown } = whoFalls(rows)
  expect(await tile(page, 'Workloads named')).toContain(count(workloads))
  expect(await tile(page, 'Workload not known')).toContain(count(unknown))
  expect(await tile(page, 'Calls with node roles')).toContain(count(sum(rows, (row) => row.calls)))
  expect(await tile(page, 'Denied')).toContain(count(sum(rows, (row) => row.denied)))
  const shown = await read(table(page, /fall back/i))
  expect(shown.count).toBe(rows.length)
  expect(shown.sort).toBe('Calls descending')
  const first = most(rows)
  expect(shown.rows[0]).toMatchObject({
    Calls: count(first.calls),
    Denied: count(first.denied),
    Cluster: first.cluster,
    'Node role': arnName(first.role_arn),
    'Last seen, UTC': utcTime(first.last_seen ?? ''),
    'First seen, UTC': utcTime(first.first_seen ?? ''),
  })
  expect(shown.rows[0]?.Cause).toContain(CAUSES[first.cause ?? 'unknown']?.name)
  expect(shown.rows[0]?.Confidence).toContain(CONFIDENCES[first.confidence ?? 'unknown'])
})

test('the drawer of a fallback', async () => {
  const rows = await list<Schemas['FallbackRow']>('/api/v1/fallbacks')
  const row = most(rows.filter((one) => one.confidence === 'candidate'))
  const { page } = await open(`/fallbacks?open=${row.id}`)
  const drawer = page.getByRole('dialog')
  const text = (await drawer.innerText()).replace(/\s+/g, ' ')
  const candidates = JSON.parse(row.candidates ?? '[]') as { workload: string; score: number; reasons: { detail: string }[] }[]
  for (const candidate of candidates) {
    // Of those with a score near nothing only the names are said.
    expect(text).toContain(candidate.score < 0.01 ? 'a score below 0.01' : scoreText(candidate.score))
    expect(text).toContain(candidate.workload.split('/').at(-1))
    for (const reason of candidate.score < 0.01 ? [] : candidate.reasons) {
      expect(text.toLowerCase()).toContain(reason.detail.toLowerCase())
    }
  }
  const fix = JSON.parse(row.fix ?? 'null') as { summary: string }
  expect(text).toContain(fix.summary.replace(/\s+/g, ' '))
  for (const fact of JSON.parse(row.evidence ?? '[]') as { detail: string | null; event_id?: string }[]) {
    expect(text).toContain(fact.detail?.replace(/\s+/g, ' ') ?? '')
    expect(text).toContain(fact.event_id ?? '')
  }
})

test('readiness', async () => {
  const { page } = await open(all.readiness.path)
  const rows = await list<Schemas['ReadinessRow']>('/api/v1/readiness')
  const by = (verdict: string) => rows.filter((row) => (row.hop_limit_1 ?? 'unknown') === verdict)
  expect(await tile(page, 'Safe to switch today')).toContain(count(by('safe').length))
  expect(await tile(page, 'Would break workloads')).toContain(count(by('breaks').length))
  expect(await tile(page, 'Not known')).toContain(count(by('unknown').length))
  for (const row of rows) {
    const card = page.getByRole('region', { name: arnName(row.role_arn), exact: true }).filter({ hasText: row.cluster ?? '' })
    // oxlint-disable-next-line no-await-in-loop -- one card after the other
    const text = await card.innerText()
    expect(text).toContain(HOP_LIMIT[row.hop_limit_1 ?? 'unknown']?.name)
    expect(text).toContain(utcTime(row.observed_to ?? ''))
  }
})

test('workloads', async () => {
  const { page } = await open(all.workloads.path)
  const used = await list<Schemas['WorkloadRow']>('/api/v1/workloads')
  const fallbacks = (await list<Schemas['FallbackRow']>('/api/v1/fallbacks')).filter((row) => row.service_account !== null)
  // Fallbacks of one service account to one role are one row.
  const falling = new Set(fallbacks.map((row) => [row.cluster, row.namespace, row.service_account, row.role_arn].join(' ')))
  const shown = await read(table(page, 'Roles used, by service account and role'))
  expect(shown.count).toBe(used.length + falling.size)
  const first = most(used.filter((row) => row.access_path !== 'node_role'))
  const found = shown.rows.find((row) => row['Service account']?.includes(`${first.namespace}/${first.service_account}`) && row.Calls === count(first.calls))
  expect(found).toMatchObject({ Cluster: first.cluster, Pods: count(first.pods), Actions: count(first.actions), Denied: count(first.denied) })
  expect(found?.['Access path']).toContain(ACCESS_PATHS[first.access_path ?? ''])
})

test('workloads by access path', async () => {
  const { page } = await open(`${all.workloads.path}?access_path=irsa&cluster=myeks`)
  const used = await list<Schemas['WorkloadRow']>('/api/v1/workloads?access_path=irsa&cluster=myeks')
  const shown = await read(table(page, 'Roles used, by service account and role'))
  expect(shown.count).toBe(used.length)
  expect(shown.rows.map((row) => row.Calls)).toEqual(
    used
      .map((row) => row.calls ?? 0)
      .toSorted((a, b) => b - a)
      .map(count),
  )
})

test('workload', async () => {
  const { page } = await open(all.workload.path)
  const answer = await api<Schemas['Workload']>(`/api/v1${all.workload.path}`)
  expect(await tile(page, 'Calls')).toContain(count(sum(answer.actions, (row) => row.calls)))
  expect(await tile(page, 'Denied calls')).toContain(count(sum(answer.actions, (row) => row.denied)))
  expect(await tile(page, 'Roles')).toContain(count(new Set(answer.actions.map((row) => row.role_arn).filter((arn) => arn !== null)).size))
  await page.getByRole('tab', { name: `Actions (${answer.actions.length})` }).click()
  const actions = await read(table(page, /action|call/i).first())
  expect(actions.rows.map((row) => row.Calls).toSorted()).toEqual(answer.actions.map((row) => count(row.calls)).toSorted())
  await page.getByRole('tab', { name: `Pods (${answer.pods.length})` }).click()
  expect((await read(table(page, /pod/i).first())).count).toBe(answer.pods.length)
})

test('the policy of a workload', async () => {
  const { page } = await open(`${all.workload.path}?tab=policy`)
  const { cluster, namespace, serviceAccount } = WORKLOAD
  const policy = await api<{ documents: { Statement: { Action: string[] | string }[] }[] }>(`/api/v1/workloads/${cluster}/${namespace}/${serviceAccount}/policy`)
  const text = await page.getByRole('main').innerText()
  expect(policy.documents.length).toBeGreaterThan(0)
  for (const statement of policy.documents.flatMap((one) => one.Statement)) {
    for (const action of [statement.Action].flat()) {
      expect(text).toContain(action)
    }
  }
})

test('roles', async () => {
  const { page } = await open(all.roles.path)
  const rows = await list<Schemas['RoleRow']>('/api/v1/roles')
  const shown = await read(table(page, /^Roles/))
  expect(shown.count).toBe(rows.length)
  const first = most(rows)
  expect(shown.rows[0]).toMatchObject({ Calls: count(first.calls), Denied: count(first.denied), Bindings: count(first.bindings) })
  expect(shown.rows[0]?.Role).toContain(arnName(first.role_arn))
  const findings = await api<{ items: unknown[] }>('/api/v1/reports/unused')
  await page.getByRole('tab', { name: `Findings (${findings.items.length})` }).waitFor()
})

test('nodes', async () => {
  const { page } = await open(all.nodes.path)
  const rows = await list<Schemas['NodeRow']>('/api/v1/nodes')
  expect(await tile(page, 'Nodes')).toContain(count(new Set(rows.map((row) => row.node)).size))
  const shown = await read(table(page, 'Nodes and who used their role'))
  expect(shown.count).toBe(rows.length)
  const first = rows.toSorted((a, b) => (b.fallback_calls ?? 0) - (a.fallback_calls ?? 0))[0]
  expect(shown.rows[0]).toMatchObject({ Node: first?.node, Calls: count(first?.calls), 'Fallback calls': count(first?.fallback_calls), Cluster: first?.cluster })
})

test('node', async () => {
  const { page } = await open(all.node.path)
  const answer = await api<Schemas['Node']>(`/api/v1${all.node.path}`)
  expect(await tile(page, 'Calls with the node’s role')).toContain(count(sum(answer.roles, (row) => row.calls)))
  expect(await tile(page, 'Of workloads (fallback)')).toContain(count(sum(answer.roles, (row) => row.fallback_calls)))
  expect(await tile(page, 'Unknown')).toContain(count(sum(answer.roles, (row) => row.unknown_calls)))
  expect((await read(table(page, /pod/i).last())).count).toBe(answer.pods.length)
})

test('explain', async () => {
  const { page } = await open(all.explain.path)
  const id = new URL(all.explain.path, 'http://x').searchParams.get('id') ?? ''
  const { attribution, event } = await api<{ attribution: Record<string, string | null>; event: { event_name: string } }>(`/api/v1/explain/${id}`)
  expect(await page.getByRole('search').getByRole('combobox').inputValue()).toBe(id)
  const text = (await page.getByRole('main').innerText()).replace(/\s+/g, ' ')
  for (const shown of [
    `${attribution.namespace}/${attribution.service_account}`,
    ACCESS_PATHS[attribution.access_path ?? ''],
    CONFIDENCES[attribution.confidence ?? ''],
    arnName(attribution.role_arn),
    event.event_name,
    utcTime(attribution.event_time ?? ''),
  ]) {
    expect(text).toContain(shown)
  }
})

test('explain, asked by typing', async () => {
  const { page } = await open('/explain')
  const ask = page.getByRole('search')
  await ask.getByRole('combobox').fill('myeks/ops/backup')
  await ask.getByRole('button', { name: 'Explain', exact: true }).click()
  await soon(() => new URL(page.url()).searchParams.get('id')).toBe('myeks/ops/backup')
  const answer = await api<{ verdict: string }>('/api/v1/explain/myeks/ops/backup')
  expect(answer.verdict).toContain('ops/backup')
  await soon(async () => (await page.getByRole('main').innerText()).replace(/\s+/g, ' ')).toMatch(/ops\/backup .*IRSA/)
})

test('SQL', async () => {
  const query = 'SELECT aws_region, count(*) AS calls FROM events GROUP BY aws_region ORDER BY calls DESC'
  const { page } = await open(`/sql?q=${encodeURIComponent(query)}`)
  const coverage = await list<Schemas['CoverageRow']>('/api/v1/coverage')
  const expected = [...new Set(coverage.map((row) => row.aws_region))]
    .map((region) => ({ region, events: sum(coverage.filter((row) => row.aws_region === region), (row) => row.events) }))
    .toSorted((a, b) => b.events - a.events)
  const result = table(page.getByRole('tabpanel').filter({ has: page.getByRole('table') }), /./).first()
  const shown = await read(result)
  expect(shown.rows.map((row) => Object.values(row))).toEqual(expected.map((row) => [row.region, count(row.events)]))
})

test('SQL that is wrong says what and where', async () => {
  expectRefusals()
  const { page } = await open(`/sql?q=${encodeURIComponent('SELECT no_such_column FROM events')}`)
  await page.getByRole('alert').filter({ hasText: 'no_such_column' }).waitFor()
  await page.getByRole('textbox', { name: /SQL statement/ }).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('SELECT 42 AS answer')
  await page.keyboard.press('Control+Enter')
  await soon(async () => (await page.getByRole('cell').allInnerTexts()).map((text) => text.trim())).toContain('42')
})

test('ingestion', async () => {
  const { page } = await open(all.ingestion.path)
  const answer = await api<Schemas['Ingestion']>('/api/v1/ingestion')
  expect(await tile(page, 'Objects read')).toContain(count(sum(answer.sources, (row) => row.objects)))
  expect(await tile(page, 'Records')).toContain(count(sum(answer.sources, (row) => row.records)))
  const shown = await read(table(page, 'Objects by folder and status'))
  expect(shown.count).toBe(answer.sources.length)
  expect(shown.rows.map((row) => [row.Objects, row.New, row.Size]).toSorted()).toEqual(
    answer.sources.map((row) => [count(row.objects), count(row.new_events), bytes(row.bytes)]).toSorted(),
  )
  const batches = await read(table(page, 'Batches that runs of ingestion made'))
  expect(answer.batches.length).toBeGreaterThan(0)
  expect(batches.rows.map((row) => [row['Began, UTC'], row.Objects, row.Records, row.New, row.Rejected, row.Unreadable])).toEqual(
    answer.batches.map((row) => [utcTime(row.ingested_at ?? ''), count(row.objects), count(row.records), count(row.new_events), count(row.rejected), count(row.unreadable)]),
  )
})
