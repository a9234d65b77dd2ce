// What a page shows is in its address: links and reloads bring it back.
import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { count } from '../src/format'
import type { Schemas } from '../src/api/client'
import { api, drawLate, settled, visits } from './support/browser'
import { read, soon, table } from './support/table'

const { open } = visits()

const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)

const FALLBACKS = /fall back/i

async function fallback(): Promise<{ all: Schemas['FallbackRow'][]; one: Schemas['FallbackRow'] }> {
  const query = 'from=2026-05-01T12:00:00Z&to=2026-05-01T20:00:00Z&cluster=myeks&limit=10000'
  const { items } = await api<{ items: Schemas['FallbackRow'][] }>(`/api/v1/fallbacks?${query}`)
  const one = items.find((row) => row.workload !== null && row.fix !== null)
  if (one === undefined) {
    throw new Error('the demo has no fallback with a fix')
  }
  return { all: items, one }
}

test('a link brings back times, cluster, order, drawer and tab, and so does a reload', async () => {
  const { all, one } = await fallback()
  const path = `/fallbacks?from=2026-05-01T12:00:00Z&to=2026-05-01T20:00:00Z&cluster=myeks&sort=actions.desc&open=${one.id}&tab=fix`
  const { page } = await open(path)
  const holds = async () => {
    await settled(page)
    expect(await page.getByLabel('From, UTC').inputValue()).toBe('2026-05-01 12:00')
    expect(await page.getByLabel('To, UTC').inputValue()).toBe('2026-05-01 20:00')
    expect(await page.getByLabel('Cluster').first().inputValue()).toBe('myeks')
    const drawer = page.getByRole('dialog')
    await drawer.waitFor()
    expect(await drawer.getByRole('heading', { level: 2 }).innerText()).toContain(one.workload?.split('/').at(-1))
    expect(await drawer.getByRole('tab', { selected: true }).innerText()).toBe('Commands')
    const shown = await read(table(page, FALLBACKS))
    expect(shown.count).toBe(all.length)
    expect(shown.sort).toBe('Actions descending')
    expect(page.url()).toContain(path)
  }
  await holds()
  await page.reload()
  await holds()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(parameters(page)).toEqual({ from: '2026-05-01T12:00:00Z', to: '2026-05-01T20:00:00Z', cluster: 'myeks', sort: 'actions.desc' })
})

test('what is chosen goes into the address, and along to the next page', async () => {
  const { page } = await open('/workloads')
  await page.getByLabel('Cluster').first().selectOption('myeks')
  await soon(() => parameters(page)).toEqual({ cluster: 'myeks' })
  await page.getByLabel('Namespace').selectOption('shop')
  await soon(() => parameters(page)).toEqual({ cluster: 'myeks', namespace: 'shop' })
  await settled(page)
  const workloads = table(page, /./).first()
  await workloads.getByRole('button', { name: /^Calls/ }).click()
  await soon(() => parameters(page).sort).toMatch(/^calls/)
  await settled(page)
  const first = (await read(workloads)).rows.map((row) => Object.values(row).join(' '))
  await page.reload()
  await settled(page)
  expect((await read(workloads)).rows.map((row) => Object.values(row).join(' '))).toEqual(first)

  await page.getByRole('link', { name: 'Nodes', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()
  expect(parameters(page)).toEqual({ cluster: 'myeks' })
  await page.goBack()
  await page.getByRole('heading', { level: 1, name: 'Workloads' }).waitFor()
  expect(parameters(page)).toMatchObject({ cluster: 'myeks', namespace: 'shop' })
})

test('a text to look for is kept, narrows the rows and can be cleared', async () => {
  const { page } = await open('/fallbacks')
  const all = (await read(table(page, FALLBACKS))).count
  await page.getByLabel('Find').fill('monitoring')
  await soon(() => parameters(page)).toEqual({ q: 'monitoring' })
  await soon(async () => (await read(table(page, FALLBACKS))).count).toBeLessThan(all)
  const fewer = (await read(table(page, FALLBACKS))).count
  await page.reload()
  await settled(page)
  expect(await page.getByLabel('Find').inputValue()).toBe('monitoring')
  expect((await read(table(page, FALLBACKS))).count).toBe(fewer)
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await soon(async () => (await read(table(page, FALLBACKS))).count).toBe(all)
})

test('a link that is followed while a text is typed leads where it says', async () => {
  const { page } = await open('/fallbacks')
  await page.getByLabel('Find').pressSequentially('monitoring')
  await page.getByRole('link', { name: 'Nodes', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()
  // Longer than what was typed waits.
  await page.waitForTimeout(600)
  expect(new URL(page.url()).pathname).toBe('/nodes')
  expect(parameters(page)).toEqual({})
})

test('what is typed and chosen stays where the page is slow to draw', async () => {
  const { page, go } = await open('/')
  await drawLate(page, 300)
  await go('/workloads')
  const find = page.getByLabel('Find')
  // Slower than the address follows, faster than it is drawn.
  await find.pressSequentially('shop cart', { delay: 330 })
  expect(await find.inputValue()).toBe('shop cart')
  await page.getByLabel('Namespace').selectOption('shop')
  expect(await page.getByLabel('Namespace').inputValue()).toBe('shop')
  await soon(() => parameters(page)).toEqual({ q: 'shop cart', namespace: 'shop' })
  await settled(page)
  expect([await find.inputValue(), await page.getByLabel('Namespace').inputValue()]).toEqual(['shop cart', 'shop'])

  // What comes from elsewhere is shown.
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await soon(() => find.inputValue()).toBe('')
  await soon(() => page.getByLabel('Namespace').inputValue()).toBe('')
})

test('an id that is corrected while the page is slow to draw stays', async () => {
  const { page, go } = await open('/')
  await drawLate(page, 300)
  await go('/explain')
  const asked = page.getByRole('search').getByRole('combobox')
  await asked.fill('myeks/ops')
  await asked.press('Enter')
  await asked.pressSequentially('/backup')
  await soon(() => page.getByRole('main').innerText()).toContain('The cluster is missing')
  expect(await asked.inputValue()).toBe('myeks/ops/backup')
})

test('a filter that fits nothing offers to be cleared', async () => {
  const { page } = await open('/fallbacks?q=no-such-workload')
  await page.getByRole('heading', { name: /no fallback/i }).waitFor()
  await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).last().click()
  await table(page, FALLBACKS).waitFor()
  expect(parameters(page)).toEqual({})
})

test('a range of times is written in UTC', async () => {
  const { page } = await open('/fallbacks')
  await page.getByLabel('Time').selectOption({ label: 'From … to … (UTC)' })
  const [from, to] = [page.getByLabel('From, UTC'), page.getByLabel('To, UTC')]
  // On one line with what else is there.
  const tops = await Promise.all([from, to, page.getByRole('button', { name: /^Search/ })].map(async (one) => (await one.boundingBox())?.y ?? 0))
  expect(Math.max(...tops) - Math.min(...tops)).toBeLessThan(16)

  await from.fill('01/05/2026, 12:00 PM')
  await from.press('Enter')
  const wrong = page.getByRole('alert').filter({ hasText: 'From, UTC: write it as 2026-05-01 12:34.' })
  await wrong.waitFor()
  expect(await from.getAttribute('aria-invalid')).toBe('true')
  expect(parameters(page)).toEqual({})

  await from.fill('2026-05-01 18:00')
  await from.press('Enter')
  await wrong.waitFor({ state: 'detached' })
  await to.fill('2026-05-01T20:30:15Z')
  await to.blur()
  await soon(() => parameters(page)).toEqual({ from: '2026-05-01T18:00:00Z', to: '2026-05-01T20:30:15Z' })
  await soon(() => to.inputValue()).toBe('2026-05-01 20:30:15')

  // The page says it without asking: the service would refuse.
  await to.fill('2026-05-01 17:00')
  await to.press('Enter')
  await page.getByRole('alert').filter({ hasText: 'The range ends before it begins.' }).waitFor()
  await page.getByRole('main').getByRole('heading', { name: 'The time range ends before it begins.' }).first().waitFor()
  await to.fill('')
  await to.press('Enter')
  await soon(() => parameters(page)).toEqual({ from: '2026-05-01T18:00:00Z' })
})

test('a range that ends before it begins is said once on the overview, and not asked for', async () => {
  const { page } = await open('/?from=2026-05-02&to=2026-05-01')
  const said = page.getByRole('main').getByRole('heading', { name: 'The time range ends before it begins.' })
  await said.waitFor()
  expect(await said.count()).toBe(1)
  expect(await page.getByRole('main').getByRole('alert').count()).toBe(0)
  await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).click()
  await said.waitFor({ state: 'detached' })
  expect(parameters(page)).toEqual({})
})

test('a range of times begins with the one that was chosen before', async () => {
  const { page } = await open('/fallbacks?from=-24h')
  await page.getByLabel('Time').selectOption({ label: 'From … to … (UTC)' })
  await soon(() => parameters(page).from).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/)
  await soon(() => page.getByLabel('From, UTC').inputValue()).toMatch(/^\d{4}-\d\d-\d\d \d\d:00$/)
})

test('a range of times without calls is said once', async () => {
  const { page } = await open('/?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z')
  await page.getByRole('heading', { name: 'No calls in this time range.' }).waitFor()
  const main = page.getByRole('main')
  expect(await main.getByRole('button', { name: 'Clear filters' }).count()).toBe(1)
  expect(await main.innerText()).not.toMatch(/could switch today|would break|attributed to an identity/)
  await main.getByRole('button', { name: 'Clear filters' }).click()
  await main.getByText('Calls in the time range').waitFor()
  expect(parameters(page)).toEqual({})
})

test('times are UTC, with the reader’s own beside', async () => {
  const { page } = await open('/fallbacks')
  const time = table(page, FALLBACKS).getByRole('time').first()
  const value = (await time.getAttribute('datetime')) ?? ''
  expect(await time.innerText()).toBe(value.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ''))
  // The browser of the tests is in Berlin, two hours ahead.
  const ahead = new Date(Date.parse(value) + 2 * 3_600_000).toISOString().replace('T', ' ').slice(0, 19)
  expect(await time.getAttribute('title')).toContain(ahead)
})

test('the text of a fix is copied as the API has it', async () => {
  const { one } = await fallback()
  const fix = JSON.parse(one.fix ?? 'null') as { commands: { title: string; command: string }[] }
  const { page } = await open(`/fallbacks?open=${one.id}&tab=fix`)
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  const drawer = page.getByRole('dialog')
  expect(fix.commands.length).toBeGreaterThan(0)
  for (const [at, step] of fix.commands.entries()) {
    const item = drawer.getByRole('listitem').filter({ has: page.getByRole('heading', { name: step.title, exact: true }) })
    await item.getByRole('button', { name: 'Copy', exact: true }).click()
    await soon(copied).toBe(step.command)
    expect(await drawer.getByRole('region', { name: step.title, exact: true }).innerText(), `step ${at + 1}`).toBe(step.command)
  }
  await drawer.getByRole('button', { name: 'Copy all commands' }).click()
  for (const step of fix.commands) {
    await soon(copied).toContain(step.command)
  }
})

test('Terraform and policy are copied as the API has them', async () => {
  const { items } = await api<{ items: Schemas['FallbackRow'][] }>('/api/v1/fallbacks?limit=10000')
  const fixes = items.map((row) => ({ id: row.id, fix: JSON.parse(row.fix ?? 'null') as { terraform: string | null; policy: object[] } | null }))
  const one = fixes.find(({ fix }) => fix?.terraform && fix.policy.length === 1)
  if (one === undefined) {
    throw new Error('the demo has no fallback with Terraform and a policy')
  }
  const { page } = await open(`/fallbacks?open=${one.id}&tab=terraform`)
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  const drawer = page.getByRole('dialog')
  await drawer.getByRole('button', { name: 'Copy', exact: true }).click()
  await soon(copied).toBe(one.fix?.terraform)
  await drawer.getByRole('tab', { name: 'Policy' }).click()
  await drawer.getByRole('button', { name: 'Copy', exact: true }).click()
  await soon(async () => JSON.parse(await copied()) as unknown).toEqual(one.fix?.policy[0])
  // As people write it, from the version on.
  expect(Object.keys(JSON.parse(await copied()) as object)[0]).toBe('Version')
})

test('a table and its address are copied', async () => {
  const { page } = await open('/fallbacks?cluster=myeks&sort=calls.desc')
  const shown = await read(table(page, FALLBACKS))
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await page.getByRole('button', { name: 'Copy link' }).first().click()
  await soon(copied).toBe(page.url())
  await page.getByRole('button', { name: 'Copy CSV' }).first().click()
  await soon(async () => (await copied()).split('\r\n').length).toBe(shown.count + 1)
  const lines = (await copied()).split('\r\n')
  expect(lines[0]).toMatch(/^\w+,service_account,cluster,/)
  const calls = (lines[0] ?? '').split(',').indexOf('calls')
  // No value before this column has a comma.
  expect(count(Number((lines[1] ?? '').split(',')[calls]))).toBe(shown.rows[0]?.Calls)
})
