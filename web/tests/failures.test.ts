// What is said when something is wrong, and what brings it right again.
import { cp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import type { Schemas } from '../src/api/client'
import { api, settled, visits } from './support/browser'
import { Service } from './support/service'
import { soon } from './support/table'
import { views, type View, type ViewName } from './support/views'

/** For tests that start the service twice: a debug build on a busy machine takes its time. */
const LONG_MS = 300_000

const { open, expectRefusals } = visits()
let all: Record<ViewName, View>

beforeAll(async () => {
  all = await views()
})

test('a service that stops, and comes back', async () => {
  expectRefusals()
  const service = await Service.start(inject('folder'), ['--store', inject('store')])
  onTestFinished(() => service.stop())
  const { page } = await open('/fallbacks', { address: service.address })
  const fallbacks = page.getByRole('table', { name: /fall back/i })
  await fallbacks.waitFor()
  await page.getByRole('link', { name: 'Nodes', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()
  await settled(page)

  await service.stop()
  const banner = page.getByText('The service does not answer; what is shown may be old.')
  await banner.waitFor()
  // What was read stays.
  await page.getByRole('link', { name: 'Fallbacks', exact: true }).first().click()
  await fallbacks.waitFor()
  // What was not cannot be had now.
  await page.getByLabel('Cluster').first().selectOption('myeks')
  const failure = page.getByRole('alert').filter({ hasText: 'podtrail serve' }).first()
  await failure.waitFor()
  expect(await failure.innerText()).toContain('The service does not answer.')

  await service.again()
  await banner.waitFor({ state: 'detached' })
  const again = page.getByRole('alert').getByRole('button', { name: 'Try again' })
  // It is asked anew by itself where the snapshot is another one.
  if (await again.first().isVisible()) {
    await again.first().click()
  }
  await soon(() => page.getByRole('alert').count()).toBe(0)
  const { items } = await api<{ items: unknown[] }>('/api/v1/fallbacks?cluster=myeks&limit=10000')
  await soon(() => fallbacks.getAttribute('aria-rowcount')).toBe(String(items.length + 1))
}, LONG_MS)

test('a store that cannot be read, and can again', async () => {
  const store = join(inject('folder'), 'stale')
  await cp(inject('store'), store, { recursive: true })
  const service = await Service.start(inject('folder'), ['--store', store, '--refresh', '1s'])
  onTestFinished(() => service.stop())
  const { page } = await open('/fallbacks', { address: service.address })
  const fallbacks = page.getByRole('table', { name: /fall back/i })
  const rows = await fallbacks.getAttribute('aria-rowcount')
  await rename(store, `${store}-away`)
  // A folder that is gone could be a new store: a file in its place can only be an error.
  await writeFile(store, '')
  const banner = page.getByRole('status').filter({ hasText: 'The store cannot be read since' })
  await banner.waitFor()
  const { stale_since: since } = await api<Schemas['Readiness']>('/readyz', { address: service.address })
  expect(await banner.getByRole('time').getAttribute('datetime')).toBe(since)
  // What was read stays.
  expect(await fallbacks.getAttribute('aria-rowcount')).toBe(rows)
  await rm(store)
  await rename(`${store}-away`, store)
  await banner.waitFor({ state: 'detached' })
}, LONG_MS)

test('a page that was never loaded, while the service is stopped', async () => {
  expectRefusals(/could not be loaded/)
  const service = await Service.start(inject('folder'), ['--store', inject('store')])
  onTestFinished(() => service.stop())
  const { page } = await open('/ingestion', { address: service.address })
  await service.stop()
  await page.getByRole('link', { name: 'Readiness', exact: true }).click()
  const failure = page.getByRole('main').getByRole('alert')
  await failure.first().waitFor()
  expect(await failure.first().innerText()).toContain('podtrail serve')
  await service.again()
  await failure.getByRole('button').first().click()
  await page.getByRole('heading', { level: 1, name: 'Readiness' }).waitFor()
  await settled(page)
  expect(await failure.count()).toBe(0)
}, LONG_MS)

test.each(['overview', 'fallbacks', 'workloads', 'workload', 'roles', 'nodes', 'node'] as const)('a time in the address of %s that is none', async (name) => {
  expectRefusals()
  const { page } = await open(`${all[name].path}?from=2026-13-45T99:99:99Z`)
  const failure = page.getByRole('alert').first()
  await failure.waitFor()
  const text = await failure.innerText()
  expect(text).toContain('from')
  expect(text).toContain('time range in the address is not valid')
  await page.getByLabel('Time').selectOption({ label: 'All time' })
  await soon(() => page.getByRole('alert').count()).toBe(0)
  expect(new URL(page.url()).searchParams.has('from')).toBe(false)
  await page.getByRole('heading', { level: 1, name: all[name].heading }).waitFor()
})

test('a page that there is not', async () => {
  const { page } = await open('/no/such/page')
  await page.getByRole('heading', { name: 'There is no such page.' }).waitFor()
  await page.getByRole('link', { name: 'Overview', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/')
})

test.each([
  ['a workload', '/workloads/myeks/none/nobody'],
  ['a node', '/nodes/i-00000000000000000'],
  ['an event', '/explain?id=00000000-0000-4000-8000-000000000000'],
  ['an access key', '/explain?id=ASIAAAAAAAAAAAAAAAAA'],
  ['a fallback', '/fallbacks?open=0000000000000000'],
])('%s that there is not', async (_, path) => {
  expectRefusals()
  const { page } = await open(path)
  const said = page.getByText(/nothing is known|no .* (?:is|was) (?:known|found|seen)|not known|never seen|there is no|not found/i).first()
  await said.waitFor()
  // It ends nothing else of the page.
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
})
