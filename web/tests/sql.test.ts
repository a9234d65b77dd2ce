// The page SQL: what it offers while a statement is written, and what can be done with its rows.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { drawLate, visits } from './support/browser'
import { read, soon, table } from './support/table'

const { open, expectRefusals } = visits()

const address = (query: string, more = '') => `/sql?q=${encodeURIComponent(query)}${more}`
const editor = (page: Page) => page.getByRole('textbox', { name: /SQL statement/ })
const rows = (page: Page) => table(page, 'Rows of the statement')

/** Replaces the statement, and puts the cursor behind its first `before` characters. */
async function write(page: Page, text: string, before: number): Promise<void> {
  await editor(page).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
  await page.keyboard.press('Control+Home')
  for (let at = 0; at < before; at += 1) {
    // A key after the other.
    // oxlint-disable-next-line no-await-in-loop
    await page.keyboard.press('ArrowRight')
  }
}

test('columns of the tables that a statement names are offered, and taken over', async () => {
  const { page } = await open('/sql?side=tables')
  // The schema may come after the editor.
  await page.getByRole('tabpanel').getByText('activity_attribution', { exact: true }).waitFor()
  const offers = page.locator('.cm-tooltip-autocomplete li')
  const labels = async () => (await offers.locator('.cm-completionLabel').allInnerTexts()).slice(0, 2)
  await write(page, 'SELECT  FROM attribution', 'SELECT '.length)
  await page.keyboard.type('access_p')
  await soon(labels).toContain('access_path')
  await offers.filter({ hasText: /^access_path/ }).click()
  await page.keyboard.press('Control+Enter')
  await rows(page).waitFor()
  expect((await read(rows(page))).rows[0]).toHaveProperty('access_path')

  // An alias, and before any table is named the columns of all.
  await write(page, 'SELECT a. FROM events e JOIN attribution a USING (event_id)', 'SELECT a.'.length)
  await page.keyboard.type('conf')
  await soon(labels).toEqual(['confidence'])
  await write(page, 'SELECT ', 'SELECT '.length)
  await page.keyboard.type('hop_limit')
  await soon(labels).toContain('hop_limit_1')
})

test('what is typed stays, and is what runs, where the page is slow to draw', async () => {
  const { page, go } = await open('/')
  await drawLate(page, 300)
  await go(address('SELECT 1 AS first'))
  await rows(page).waitFor()
  await editor(page).click()
  await page.keyboard.press('Control+a')
  const statement = 'SELECT 42 AS answer'
  await page.keyboard.type(statement, { delay: 430 })
  await page.keyboard.press('Control+Enter')
  await soon(async () => (await read(rows(page))).rows).toEqual([{ answer: '42' }])
  await soon(() => new URL(page.url()).searchParams.get('q')).toBe(statement)
  expect((await editor(page).locator('.cm-line').allInnerTexts()).join('')).toBe(statement)
})

test('a chart names values as all pages do, and its choice is in the address', async () => {
  const query = 'SELECT access_path, actor, sum(calls) AS calls FROM activity_attribution GROUP BY ALL'
  const { page } = await open(address(query))
  await rows(page).waitFor()
  await page.getByRole('tab', { name: 'Chart' }).click()
  await page.getByRole('img', { name: /^calls by access_path/ }).waitFor()
  await page.getByLabel('Axis').selectOption('actor')
  await page.getByLabel('Series').selectOption('access_path')
  await page.getByRole('img', { name: 'calls by actor and access_path' }).waitFor()
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({ tab: 'chart', x: 'actor', series: 'access_path' })
  await page.getByRole('button', { name: 'Show as a table' }).click()
  const figures = page.getByRole('region', { name: /as a table$/ })
  expect(await figures.getByRole('columnheader').allInnerTexts()).toEqual(expect.arrayContaining(['actor', 'Node role', 'EKS service-linked role']))
  expect(await figures.getByRole('cell').allInnerTexts()).toEqual(expect.arrayContaining(['Workload', 'Control plane']))
})

test('all rows are saved as a file', async () => {
  const { page } = await open(address('SELECT event_id, event_name FROM events ORDER BY event_id LIMIT 70'))
  await rows(page).waitFor()
  const shown = await read(rows(page))
  const saved = async (form: string) => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: form, exact: true }).click()
    const file = await download
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
  }
  const csv = await saved('CSV')
  expect(csv.name).toBe('podtrail.csv')
  const lines = csv.bytes.toString().trim().split(/\r?\n/)
  expect(lines).toHaveLength(71)
  expect(lines[0]).toBe('event_id,event_name')
  expect(lines[1]).toContain(shown.rows[0]?.event_name)
  const ndjson = await saved('NDJSON')
  expect(ndjson.name).toBe('podtrail.ndjson')
  expect(JSON.parse(ndjson.bytes.toString().split('\n')[0] ?? '')).toHaveProperty('event_name', shown.rows[0]?.event_name)
  const arrow = await saved('Arrow')
  expect(arrow.name).toBe('podtrail.arrows')
  expect(arrow.bytes.length).toBeGreaterThan(1000)
})

test('of a long table only the rows in sight are drawn', async () => {
  const { page } = await open(address('SELECT event_time, event_id FROM events ORDER BY event_time LIMIT 2000'))
  const result = rows(page)
  await result.waitFor()
  expect((await read(result)).count).toBe(2000)
  const drawn = () => result.locator('tbody tr:not([aria-hidden])')
  await soon(() => drawn().count()).toBeGreaterThan(5)
  expect(await drawn().count()).toBeLessThan(200)
  const region = page.getByRole('region', { name: 'Rows of the statement' })
  await region.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await soon(() => drawn().last().getAttribute('aria-rowindex')).toBe('2001')
  expect(await drawn().count()).toBeLessThan(200)
})

test('a statement that takes long is cancelled, and the page goes on', async () => {
  expectRefusals()
  const { page } = await open(address('SELECT count(*) AS n FROM events a, events b, events c WHERE a.event_name < b.event_name AND b.event_name < c.event_name AND a.event_id > c.event_id'))
  await page.getByText(/^Running for/).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('heading', { name: /^Cancelled after/ }).waitFor()
  await write(page, 'SELECT 42 AS answer', 0)
  await page.getByRole('button', { name: 'Run' }).click()
  await soon(async () => (await read(rows(page))).rows).toEqual([{ answer: '42' }])
})

test('a statement is kept under a name, used again and forgotten', async () => {
  const query = 'SELECT 7 AS kept'
  const { page } = await open(address(query, '&side=saved'))
  await rows(page).waitFor()
  const side = page.getByRole('region', { name: 'Questions and tables' })
  await side.getByLabel('Name of the statement').fill('Seven')
  await side.getByRole('button', { name: 'Save' }).click()
  await side.getByRole('button', { name: 'Seven', exact: true }).waitFor()
  await page.goto('/sql?side=saved')
  await side.getByRole('button', { name: 'Seven', exact: true }).click()
  await soon(async () => (await read(rows(page))).rows).toEqual([{ kept: '7' }])
  expect(new URL(page.url()).searchParams.get('q')).toBe(query)
  await side.getByRole('button', { name: 'Delete Seven' }).click()
  await soon(() => side.getByRole('button', { name: 'Seven', exact: true }).count()).toBe(0)
})
