// A store that holds nothing: each view says so, and what to do.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { visits } from './support/browser'
import { picture } from './support/look'
import { Service } from './support/service'
import { soon } from './support/table'

const { open } = visits()
let service: Service

beforeAll(async () => {
  service = await Service.start(inject('folder'), ['--store', inject('emptyStore')])
})
afterAll(async () => {
  await service?.stop()
})

test.each([
  ['overview', '/', /no events yet/i, /podtrail ingest/],
  ['fallbacks', '/fallbacks', /no pod was seen/i, /inventory/i],
  ['readiness', '/readiness', /no node of a cluster was seen/i, /podtrail (?:ingest|inventory)/],
  ['workloads', '/workloads', /no workload used a role/i, /ingestion/i],
  ['roles', '/roles', /no role of a cluster is known/i, /read/i],
  ['nodes', '/nodes', /no node of a cluster is known/i, /inventory/i],
  ['explain', '/explain', /.*/, /.*/],
  ['ingestion', '/ingestion', /nothing was read yet/i, /podtrail ingest/],
])('%s', async (name, path, says, advises) => {
  const { page } = await open(path, { address: service.address })
  const main = page.getByRole('main')
  await main.getByRole('heading', { level: 1 }).waitFor()
  await picture(page, `empty-${name}-light-1280`)
  const text = await main.innerText()
  expect(text).toMatch(says)
  expect(text).toMatch(advises)
  // Nothing failed, and no chart is drawn of nothing.
  expect(await page.getByRole('alert').count()).toBe(0)
  expect(await page.getByRole('main').getByRole('img').count()).toBe(0)
  expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/)
})

test('SQL works on it', async () => {
  const { page } = await open(`/sql?q=${encodeURIComponent('SELECT count(*) AS n FROM events')}`, { address: service.address })
  await soon(async () => (await page.getByRole('main').getByRole('cell').allInnerTexts()).map((cell) => cell.trim())).toContain('0')
})
