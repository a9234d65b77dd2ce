// Everything by keyboard alone.
import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import type { Schemas } from '../src/api/client'
import { api, visits } from './support/browser'
import { read, soon, table } from './support/table'
import { WORKLOAD } from './support/views'

const { open } = visits()

/** Most presses of a key until what is looked for must have the focus. */
const MOST_PRESSES = 150

/** Whether what has the focus fits. */
type Fits = (element: Element) => boolean

async function tabTo(page: Page, fits: Fits): Promise<number> {
  for (let presses = 1; presses <= MOST_PRESSES; presses += 1) {
    // A key after the other.
    // oxlint-disable-next-line no-await-in-loop
    await page.keyboard.press('Tab')
    const focus = page.locator(':focus')
    // oxlint-disable-next-line no-await-in-loop
    if ((await focus.count()) > 0 && (await focus.evaluate(fits))) {
      return presses
    }
  }
  throw new Error(`not reached by ${MOST_PRESSES} presses of Tab`)
}

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').replace(/\s+/g, ' ').trim())

const focusedRow = (page: Page): Promise<number> => page.evaluate(() => Number(document.activeElement?.getAttribute('aria-rowindex') ?? 0))

test('search goes to a workload', async () => {
  const { page } = await open('/ingestion?from=2026-05-01T12:00:00Z')
  await page.keyboard.press('Control+k')
  const search = page.getByRole('dialog', { name: 'Search' })
  await search.waitFor()
  await soon(() => focused(page)).toContain('Search for')
  await page.keyboard.type('workload shop/orders')
  const first = search.getByRole('option').first()
  // Until the workloads are there, all that can be done is to explain it.
  await soon(() => first.innerText()).toMatch(/^Workload\s+shop\/orders/)
  expect(await first.getAttribute('aria-selected')).toBe('true')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: /shop\/orders/ }).waitFor()
  expect(await search.count()).toBe(0)
  const { pathname, searchParams } = new URL(page.url())
  expect(pathname).toMatch(/^\/workloads\/[^/]+\/shop\/orders$/)
  expect(searchParams.get('from')).toBe('2026-05-01T12:00:00Z')
})

test('search goes to a pod', async () => {
  const { page } = await open('/ingestion')
  const { pods } = await api<Schemas['Workload']>(`/api/v1/workloads/${WORKLOAD.cluster}/${WORKLOAD.namespace}/${WORKLOAD.serviceAccount}`)
  const pod = pods[0]?.pod ?? ''
  expect(pod).not.toBe('')
  await page.keyboard.press('Control+k')
  const search = page.getByRole('dialog', { name: 'Search' })
  await search.waitFor()
  await page.keyboard.type(pod)
  await soon(() => search.getByRole('option').first().innerText()).toMatch(/^Pod\s/)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Explain' }).waitFor()
  expect(new URL(page.url()).searchParams.get('id')).toBe([WORKLOAD.cluster, WORKLOAD.namespace, WORKLOAD.serviceAccount, pod].join('/'))
})

test('what a click in a chart opens, the links of its table open', async () => {
  const { page } = await open('/roles')
  const { cluster, namespace, serviceAccount } = WORKLOAD
  const figures = async (title: string | RegExp) => {
    const panel = page.getByRole('region', { name: title })
    await panel.getByRole('button', { name: 'Show as a table' }).press('Enter')
    return panel.getByRole('table')
  }
  const flows = await figures('Who used which role for which service')
  const row = flows.getByRole('row').filter({ hasText: cluster }).filter({ hasText: `${namespace}/${serviceAccount}` }).first()
  const [inCluster, account, role, service] = await row.getByRole('link').all()
  expect(await inCluster?.getAttribute('href')).toBe(`/roles?cluster=${cluster}`)
  expect(await role?.getAttribute('href')).toMatch(/^\/roles\?role_arn=arn/)
  expect(await service?.getAttribute('href')).toMatch(/^\/roles\?event_source=[a-z0-9-]+\.amazonaws\.com$/)
  await account?.press('Enter')
  await page.getByRole('heading', { level: 1, name: /shop\/orders/ }).waitFor()

  await page.getByRole('link', { name: 'Nodes', exact: true }).click()
  const bars = await figures('Calls with the role of the node')
  await bars.getByRole('link').first().press('Enter')
  await page.getByRole('heading', { level: 1, name: /^i-/ }).waitFor()
  const pods = await figures(/the pods that were there/)
  await pods.getByRole('link').first().press('Enter')
  await soon(() => new URL(page.url()).pathname).toMatch(/^\/workloads\/[^/]+\/[^/]+\/[^/]+$/)
})

test('search explains what it does not know, and Escape ends it', async () => {
  const { page } = await open('/ingestion')
  await page.keyboard.press('Control+k')
  const search = page.getByRole('dialog', { name: 'Search' })
  await page.keyboard.type('ASIAIOSFODNN7EXAMPLE')
  await soon(() => search.getByRole('option').first().innerText()).toContain('Explain')
  await page.keyboard.press('Escape')
  await search.waitFor({ state: 'detached' })
  expect(new URL(page.url()).pathname).toBe('/ingestion')

  await page.keyboard.press('Control+k')
  await page.keyboard.type('n')
  await page.keyboard.press('ArrowDown')
  await soon(() => search.getByRole('option').nth(1).getAttribute('aria-selected')).toBe('true')
  expect(await search.getByRole('combobox').getAttribute('aria-activedescendant')).toBe(await search.getByRole('option').nth(1).getAttribute('id'))
})

test('the first press of Tab offers to skip the menu', async () => {
  const { page } = await open('/fallbacks')
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  await soon(() => page.evaluate(() => document.activeElement?.id)).toBe('main')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true)
})

test('a fallback is opened from its row, and the focus comes back to it', async () => {
  const { page } = await open('/fallbacks')
  const { count } = await read(table(page, /fall back/i))
  expect(count).toBeGreaterThan(3)
  await tabTo(page, (element) => element.tagName === 'TR')
  expect(await focusedRow(page)).toBe(2)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowDown')
  expect(await focusedRow(page)).toBe(4)

  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog')
  await drawer.waitFor()
  expect(new URL(page.url()).searchParams.get('open')).toMatch(/^[0-9a-f]{16}$/)
  expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true)

  // The parts of the drawer by arrow keys.
  await tabTo(page, (element) => element.getAttribute('role') === 'tab')
  const chosen = drawer.getByRole('tab', { selected: true })
  const before = await chosen.innerText()
  await page.keyboard.press('ArrowRight')
  await soon(() => chosen.innerText()).not.toBe(before)
  expect(await focused(page)).toBe(await chosen.innerText())

  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await soon(() => focusedRow(page)).toBe(4)
  expect(new URL(page.url()).searchParams.has('open')).toBe(false)
})

test('a table is sorted from its header', async () => {
  const { page } = await open('/workloads')
  const workloads = table(page, /./).first()
  await read(workloads)
  await tabTo(page, (element) => element.closest('th') !== null && element.textContent?.startsWith('Calls') === true)
  await page.keyboard.press('Enter')
  await soon(async () => (await read(workloads)).sort).toMatch(/^Calls (?:as|des)cending$/)
  const before = (await read(workloads)).sort
  await page.keyboard.press('Enter')
  await soon(async () => (await read(workloads)).sort).not.toBe(before)
})

test('the menu of a narrow window opens and closes', async () => {
  const { page } = await open('/', { width: 390 })
  const menu = page.getByRole('button', { name: 'Menu' })
  const nodes = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Nodes' })
  expect(await nodes.isVisible()).toBe(false)
  await menu.focus()
  await page.keyboard.press('Enter')
  await nodes.waitFor()
  expect(await menu.getAttribute('aria-expanded')).toBe('true')
  await nodes.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()
  await nodes.waitFor({ state: 'hidden' })
})

test('the menu of a narrow window is left by Escape, and by a click beside it', async () => {
  const { page } = await open('/', { width: 390 })
  const menu = page.getByRole('button', { name: 'Menu' })
  const nodes = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Nodes' })
  await menu.click()
  await nodes.waitFor()
  await page.keyboard.press('Escape')
  await nodes.waitFor({ state: 'hidden' })
  expect(await menu.evaluate((element) => element === document.activeElement)).toBe(true)
  await menu.click()
  await nodes.waitFor()
  await page.mouse.click(380, 700)
  await nodes.waitFor({ state: 'hidden' })
})

test('the theme is kept', async () => {
  const { page } = await open('/ingestion', { theme: 'light' })
  await page.getByRole('button', { name: 'Dark theme' }).press('Enter')
  await soon(() => page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  await page.reload()
  await page.getByRole('button', { name: 'Light theme' }).waitFor()
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
})
