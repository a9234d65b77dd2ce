// Explain, of all that it can be asked about, and whether its evidence opens.
import { beforeAll, expect, inject, test } from 'vitest'
import type { Locator, Page } from 'playwright-core'
import type { Schemas } from '../src/api/client'
import { arnName } from '../src/format'
import { CAUSES } from '../src/terms'
import { api, settled, visits } from './support/browser'
import { soon, table } from './support/table'
import { WORKLOAD } from './support/views'

const { open } = visits()

const explain = (id: string) => `/explain?id=${encodeURIComponent(id)}`
const { cluster, namespace, serviceAccount } = WORKLOAD
const ACCOUNT = `${namespace}/${serviceAccount}`

let call: Schemas['EventRow']
let workload: Schemas['Workload']

beforeAll(async () => {
  const events = await api<{ items: Schemas['EventRow'][] }>(`/api/v1/events?cluster=${cluster}&namespace=${namespace}&service_account=${serviceAccount}&limit=100`)
  const [found] = events.items.filter((row) => row.access_key_id !== null && row.role_arn !== null)
  if (found === undefined) {
    throw new Error('the demo has no call with a session')
  }
  call = found
  workload = await api<Schemas['Workload']>(`/api/v1/workloads/${cluster}/${namespace}/${serviceAccount}`)
})

const titles = (page: Page) => page.getByRole('list', { name: 'The way of the credentials' }).locator('.chain-title').allInnerTexts()
const evidence = (page: Page) => page.getByRole('region', { name: 'Evidence' })
const panels = (page: Page) => page.getByRole('main').getByRole('heading', { level: 2 }).allInnerTexts()

test('an access key', async () => {
  const { page } = await open(explain(call.access_key_id ?? ''))
  expect(await page.getByRole('main').innerText()).toContain(ACCOUNT)
  expect(await titles(page)).toEqual(['Pod', 'Service account', 'Binding', 'Role session', 'Calls'])
  expect(await panels(page)).toEqual(expect.arrayContaining(['Issued to', 'Shown by', 'Calls']))
  const issued = evidence(page).getByRole('listitem').filter({ hasText: 'Issued by' })
  await issued.getByRole('link').first().click()
  await soon(() => new URL(page.url()).searchParams.get('id')).toMatch(/^[0-9a-f-]{36}$/)
  await page.getByRole('region', { name: 'Record' }).waitFor()
})

test('a role', async () => {
  const { page } = await open(explain(call.role_arn ?? ''))
  expect(await titles(page)).toEqual(['Service account', 'Access path', 'Role', 'Calls'])
  const way = page.getByRole('list', { name: 'The way of the credentials' })
  expect(await way.innerText()).toContain(arnName(call.role_arn))
  const heads = await page.getByRole('table', { name: 'Table: Used by' }).getByRole('columnheader').allInnerTexts()
  expect(heads).toEqual(expect.arrayContaining(['Service account', 'Access path', 'Made by']))
  expect(heads.join()).not.toMatch(/mechanism|arn/i)
  await way.getByRole('link', { name: ACCOUNT }).click()
  await page.getByRole('heading', { level: 1, name: ACCOUNT }).waitFor()
})

test('the role of nodes', async () => {
  const { items } = await api<{ items: Schemas['NodeRow'][] }>(`/api/v1/nodes?cluster=${cluster}`)
  const arn = items.find((row) => row.role_arn !== null)?.role_arn ?? ''
  const { page } = await open(explain(arn))
  expect(await titles(page)).toEqual(['Callers', 'Nodes, by IMDS', 'Node role', 'Calls'])
  await page.getByRole('list', { name: 'The way of the credentials' }).getByRole('link', { name: `of ${cluster}` }).click()
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()
  expect(new URL(page.url()).searchParams.get('role_arn')).toBe(arn)
})

test('a role session', async () => {
  const { page } = await open(explain(call.identity_arn ?? ''))
  expect(await page.getByRole('main').innerText()).toContain(ACCOUNT)
  expect(await titles(page)).toContain('Role session')
  await evidence(page).getByRole('link', { name: 'The calls, one by one' }).click()
  await page.getByRole('table', { name: 'Rows of the statement' }).waitFor()
})

test('a pod, from its service account', async () => {
  const { page } = await open(explain(`${cluster}/${ACCOUNT}`))
  await page.getByRole('list', { name: 'The way of the credentials' }).getByRole('link', { name: workload.pods[0]?.pod?.slice(0, 8) ?? '' }).click()
  await soon(() => new URL(page.url()).searchParams.get('id')?.split('/').length).toBe(4)
  const pod = new URL(page.url()).searchParams.get('id')?.split('/').at(-1) ?? ''
  // The address changes before the page begins to load the pod's story.
  await soon(() => titles(page)).toEqual(expect.arrayContaining(['Pod', 'Service account', 'Binding', 'Calls']))
  await settled(page)
  expect(await panels(page)).toContain('Pods')
  await evidence(page).locator('.evidence > li').filter({ hasText: /^pod/i }).getByRole('link', { name: 'Rows of pods' }).click()
  const rows = page.getByRole('table', { name: 'Rows of the statement' })
  await rows.waitFor()
  expect(await rows.getByRole('cell').allInnerTexts()).toContain(pod)
})

/** Rows of a statement. */
async function ask<Row>(query: string, limit?: number): Promise<Row[]> {
  const answer = await fetch(`${inject('address')}/api/v1/sql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, limit }) })
  if (!answer.ok) {
    throw new Error(`${query}: ${answer.status} ${await answer.text()}`)
  }
  return ((await answer.json()) as { items: Row[] }).items
}

/** A link of an evidence. */
interface Opened {
  fact: string
  href: string
}

/** The facts of an evidence: each has something to open. */
async function linksOf(facts: Locator): Promise<Opened[]> {
  await facts.first().waitFor()
  const found = await facts.evaluateAll((all) =>
    all.map((one) => ({ fact: one.querySelector('strong')?.textContent ?? '', links: [...one.querySelectorAll('a')].map((link) => link.getAttribute('href') ?? '') })),
  )
  expect(found.filter((one) => one.links.length === 0)).toEqual([])
  return found.flatMap(({ fact, links }) => links.map((href) => ({ fact, href })))
}

/** Every statement that a kind of fact leads to is accepted, and one of them at least gives rows. */
async function statementsGiveRows(links: readonly Opened[]): Promise<void> {
  const rows = new Map<string, number>()
  for (const { fact, href } of links) {
    const query = new URL(href, inject('address')).searchParams.get('q')
    if (query !== null && (rows.get(fact) ?? 0) === 0) {
      // oxlint-disable-next-line no-await-in-loop -- one statement after the other
      rows.set(fact, (await ask(query, 1)).length)
    }
  }
  expect(rows.size).toBeGreaterThan(0)
  expect([...rows].filter(([, number]) => number === 0)).toEqual([])
}

/** One link of each page shows something there. */
async function pagesShow(page: Page, links: readonly Opened[]): Promise<void> {
  const byPage = new Map(links.map(({ href }) => [href.split(/[?/]/)[1], href]))
  for (const href of byPage.values()) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    await page.goto(href)
    // oxlint-disable-next-line no-await-in-loop
    await page.getByRole('heading', { level: 1 }).waitFor()
    // oxlint-disable-next-line no-await-in-loop
    await settled(page)
    // oxlint-disable-next-line no-await-in-loop
    expect(await page.getByRole('alert').count(), href).toBe(0)
    // oxlint-disable-next-line no-await-in-loop
    expect(await page.getByRole('main').innerText(), href).not.toMatch(/\w not found\n|nothing is known|no such/i)
  }
}

test('the evidence of calls opens what it rests on', async () => {
  // One call for each kind of fact that has no record of its own.
  const query = `SELECT min(event_id) AS event_id
                 FROM (SELECT event_id, unnest(json_list(evidence)) AS fact FROM attribution)
                 WHERE json_get_str(fact, 'event_id') IS NULL
                 GROUP BY json_get_str(fact, 'fact')`
  const items = await ask<{ event_id: string }>(query)
  expect(items.length).toBeGreaterThan(5)
  const { page } = await open('/explain')
  const links: Opened[] = []
  for (const { event_id: id } of items) {
    const asked = page.getByRole('search')
    // oxlint-disable-next-line no-await-in-loop -- one page, one story after the other
    await asked.getByRole('combobox').fill(id)
    // oxlint-disable-next-line no-await-in-loop
    await asked.getByRole('combobox').press('Enter')
    // The address has the id before the page shows its story.
    // oxlint-disable-next-line no-await-in-loop
    await soon(() => page.getByRole('link', { name: 'All columns, by SQL' }).getAttribute('href')).toContain(id)
    // oxlint-disable-next-line no-await-in-loop
    links.push(...(await linksOf(evidence(page).locator('.evidence > li'))))
  }
  await statementsGiveRows(links)
  await pagesShow(page, links)
})

test('the evidence of fallbacks opens what it rests on', async () => {
  const { items } = await api<{ items: Schemas['FallbackRow'][] }>('/api/v1/fallbacks?limit=10000')
  const causes = [...new Set(items.map((row) => row.cause ?? 'unknown'))]
  expect(causes.length).toBeGreaterThan(3)
  const { page } = await open('/fallbacks')
  const links: Opened[] = []
  const drawer = page.getByRole('dialog')
  for (const cause of causes) {
    const row = table(page, /fall back/i).getByRole('row').filter({ hasText: CAUSES[cause]?.name ?? cause })
    // oxlint-disable-next-line no-await-in-loop -- one drawer after the other
    await row.first().press('Enter')
    // oxlint-disable-next-line no-await-in-loop
    links.push(...(await linksOf(drawer.locator('.evidence > li'))))
    // oxlint-disable-next-line no-await-in-loop
    await page.keyboard.press('Escape')
    // oxlint-disable-next-line no-await-in-loop
    await drawer.waitFor({ state: 'detached' })
  }
  const policy = links.filter((one) => one.fact === 'trust policy').map(({ href }) => new URL(href, page.url()).pathname)
  expect(policy).toEqual(['/roles', '/sql'])
  await statementsGiveRows(links)
  await pagesShow(page, links)
})
