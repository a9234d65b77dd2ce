// Tables of many columns: what is looked for is seen without scrolling, and each value of a cell is one of its own.
import { beforeAll, expect, test } from 'vitest'
import type { Locator, Page } from 'playwright-core'
import type { Schemas } from '../src/api/client'
import { api, visits } from './support/browser'
import { headersInView, overflow } from './support/look'
import { read, soon, table } from './support/table'
import { views, WORKLOAD, type View, type ViewName } from './support/views'

const { open } = visits()
let all: Record<ViewName, View>
let role: string

beforeAll(async () => {
  all = await views()
  const { items } = await api<{ items: Schemas['RoleRow'][] }>('/api/v1/roles?limit=10000')
  role = items.find((row) => row.kind === 'workload' && (row.calls ?? 0) > 0)?.role_arn ?? ''
})

const SEEN = ['First seen, UTC', 'Last seen, UTC']
const workload = (tab: string) => `/workloads/${WORKLOAD.cluster}/${WORKLOAD.namespace}/${WORKLOAD.serviceAccount}?tab=${tab}`

const WANTED: readonly [name: string, path: () => string, label: string | RegExp, headers: string[]][] = [
  ['overview', () => '/', /^Workloads on the node role/, ['Who', 'Cause', 'Calls', 'Denied', 'Last seen, UTC']],
  ['coverage', () => '/', 'Coverage by account and region', ['Account', 'Region', 'Events', 'First event, UTC', 'Last event, UTC']],
  ['fallbacks', () => '/fallbacks', /fall back/i, ['Who', 'Cause', 'Node role', 'Calls', 'Denied', ...SEEN, 'Confidence', 'Score', 'Actions']],
  ['readiness', () => '/readiness', /^Workloads that would break/, ['Who', 'Cause', 'Calls', 'Denied', ...SEEN]],
  ['workloads', () => '/workloads', /^Roles used/, ['Service account', 'Access path', 'Role', 'Calls', 'Denied', ...SEEN, 'Actions']],
  ['service accounts', () => '/workloads?tab=accounts', /service accounts/, ['Service account', 'Roles', 'Calls', 'Denied', 'First use, UTC', 'Last use, UTC']],
  ['unused bindings', () => '/workloads?tab=unused', /never used/, ['Service account', 'Bound by', 'Role', 'Observed from, UTC', 'Observed to, UTC']],
  ['denied calls', () => '/workloads?tab=denied', /denied/, ['Who', 'Action', 'Error', 'Role', 'Calls', ...SEEN, 'Confidence']],
  ['actions', () => workload('actions'), 'Actions', ['Action', 'Error', 'Calls', 'Denied', 'Role', 'First call, UTC', 'Last call, UTC']],
  ['pods', () => workload('pods'), 'Pods', ['Pod', 'There from, UTC', 'Last seen, UTC', 'Gone by, UTC', 'Role injected', 'Node']],
  ['roles', () => '/roles', /^Roles/, ['Role', 'Kind', 'Calls', 'Denied', ...SEEN, 'Used by', 'Bound to']],
  ['users of a role', () => `/roles?role_arn=${encodeURIComponent(role)}`, /^Service accounts that used/, ['Service account', 'Access path', 'Calls', 'Denied', ...SEEN]],
  ['nodes', () => '/nodes', /^Nodes/, ['Node', 'Name', 'Role', 'Calls', 'Fallback calls', ...SEEN]],
  ['callers on a node', () => all.node.path, /^Who called/, ['Who', 'Calls', 'Denied', ...SEEN]],
  ['pods on a node', () => all.node.path, 'Pods on the node', ['Pod', 'Service account', 'From, UTC', 'Gone by, UTC', 'Last seen, UTC']],
  ['batches', () => '/ingestion', /^Batches that runs/, ['Began, UTC', 'Example', 'Objects', 'Unreadable', 'Records', 'New', 'Rejected', 'Size']],
  ['sources', () => '/ingestion', /^Objects by folder/, ['Folder', 'Status', 'Error', 'Records', 'Last read, UTC', 'Last event, UTC']],
]

test.each(WANTED)('%s: what is looked for is in view at 1280', async (_, path, label, headers) => {
  const { page } = await open(path(), { width: 1280 })
  const shown = await headersInView(table(page, label).first())
  expect(headers.filter((header) => !shown.includes(header))).toEqual([])
  expect(await overflow(page)).toBe(0)
})

const FALLBACKS = /fall back/i

async function csvOf(page: Page, where: Locator): Promise<string[][]> {
  await where.getByRole('button', { name: 'Copy CSV' }).click()
  await soon(() => page.evaluate(() => navigator.clipboard.readText())).toContain('\r\n')
  return (await page.evaluate(() => navigator.clipboard.readText())).split('\r\n').map((line) => line.split(','))
}

test('what stands below another value sorts by itself, and is a column of the CSV', async () => {
  const { page } = await open('/fallbacks')
  const fallbacks = table(page, FALLBACKS)
  await fallbacks.getByRole('button', { name: 'First seen, UTC' }).click()
  await soon(async () => (await read(fallbacks)).sort).toBe('First seen, UTC ascending')
  const times = (await read(fallbacks)).rows.map((row) => row['First seen, UTC'] ?? '')
  expect(times).toEqual(times.toSorted())
  expect(new Set(times).size).toBeGreaterThan(3)
  expect(new URL(page.url()).searchParams.get('sort')).toBe('first_seen')
  const [head = [], ...lines] = await csvOf(page, page.getByRole('main'))
  expect(head).toEqual(expect.arrayContaining(['who', 'service_account', 'cluster', 'role_arn', 'calls', 'last_seen', 'first_seen', 'confidence', 'score', 'actions']))
  expect(lines.map((line) => line[head.indexOf('first_seen')]?.slice(0, 19).replace('T', ' '))).toEqual(times)
})

test('on a phone each value of a cell has its name', async () => {
  const { page } = await open('/fallbacks', { width: 390 })
  const row = table(page, FALLBACKS).getByRole('row').nth(1)
  const named = (label: string) => row.locator(`.part[data-label="${label}"]`).first().evaluate((part) => getComputedStyle(part, '::before').content)
  expect(await named('First seen, UTC')).toBe('"First seen, UTC"')
  expect(await named('Node role')).toBe('"Node role"')
  expect(await overflow(page)).toBe(0)
})
