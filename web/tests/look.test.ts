// Every view in both themes and at both widths: readable for all, fitting, and kept as a picture.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import type { Schemas } from '../src/api/client'
import { api, visits } from './support/browser'
import { barriers, overflow, picture } from './support/look'
import { NAMES, views, type View, type ViewName } from './support/views'

const { open } = visits()
let all: Record<ViewName, View>

beforeAll(async () => {
  all = await views()
})

const THEMES = ['light', 'dark'] as const

test('what is looked for is found', async () => {
  const { page } = await open('/ingestion')
  await page.evaluate(() => {
    const wide = document.createElement('input')
    wide.className = 'no-label'
    wide.style.width = '4000px'
    document.querySelector('main')?.append(wide)
  })
  expect((await barriers(page)).join()).toContain('no-label')
  expect(await overflow(page)).toBeGreaterThan(1000)
})

// What pages open, and what they are asked for: no address shows it as it first loads.
describe.each(THEMES)('opened, %s', (theme) => {
  test('the drawer of a fallback', async () => {
    const { items } = await api<{ items: Schemas['FallbackRow'][] }>('/api/v1/fallbacks?limit=10000')
    const { page } = await open(`/fallbacks?open=${items.find((row) => row.cause === 'trust_denied')?.id ?? items[0]?.id}`, { theme })
    await page.getByRole('dialog').waitFor()
    expect.soft(await troubles(page, `drawer-${theme}`)).toEqual([])
  })

  test('the search', async () => {
    const { page } = await open('/ingestion', { theme })
    await page.keyboard.press('Control+k')
    await page.keyboard.type('orders')
    const search = page.getByRole('dialog', { name: 'Search' })
    for (const kind of ['Workload', 'Pod']) {
      // oxlint-disable-next-line no-await-in-loop -- one kind after the other
      await search.getByRole('option').filter({ hasText: new RegExp(`^\\s*${kind}`) }).first().waitFor()
    }
    expect.soft(await troubles(page, `search-${theme}`)).toEqual([])
  })

  test('the rows and the chart of a statement', async () => {
    const query = 'SELECT access_path, actor, sum(calls) AS calls, min(evidence) AS evidence FROM activity_attribution GROUP BY ALL'
    const { page } = await open(`/sql?q=${encodeURIComponent(query)}`, { theme })
    await page.getByRole('table', { name: 'Rows of the statement' }).waitFor()
    expect.soft(await troubles(page, `sql-rows-${theme}`)).toEqual([])
    await page.getByRole('tab', { name: 'Chart' }).click()
    await page.getByRole('img').waitFor()
    expect.soft(await barriers(page)).toEqual([])
  })

  test('the story of a role', async () => {
    const { items } = await api<{ items: Schemas['RoleRow'][] }>('/api/v1/roles?limit=10000')
    const role = items.find((row) => row.bound_to !== null && (row.calls ?? 0) > 0)
    const { page } = await open(`/explain?id=${encodeURIComponent(role?.role_arn ?? '')}`, { theme })
    await page.getByRole('list', { name: 'The way of the credentials' }).waitFor()
    expect.soft(await troubles(page, `explain-role-${theme}`)).toEqual([])
  })
})

/** What does not fit at one of both widths, and what shuts somebody out. */
async function troubles(page: Page, name: string): Promise<string[]> {
  const found: string[] = []
  for (const width of [1280, 390]) {
    // oxlint-disable-next-line no-await-in-loop -- one width after the other
    await page.setViewportSize({ width, height: width < 600 ? 844 : 900 })
    // oxlint-disable-next-line no-await-in-loop
    await picture(page, `${name}-${width}`)
    // oxlint-disable-next-line no-await-in-loop
    const wider = await overflow(page)
    // oxlint-disable-next-line no-await-in-loop
    found.push(...(wider > 0 ? [`wider than ${width} by ${wider}`] : []), ...(await barriers(page)))
  }
  return found
}

for (const theme of THEMES) {
  test.each(NAMES)(`%s, ${theme}`, async (name) => {
    const { page } = await open(all[name].path, { theme })
    await page.getByRole('heading', { level: 1, name: all[name].heading }).waitFor()
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(theme)
    await picture(page, `${name}-${theme}-1280`)
    expect.soft(await overflow(page), 'wider than 1280').toBe(0)
    expect.soft(await barriers(page)).toEqual([])
    await page.setViewportSize({ width: 390, height: 844 })
    // Charts are drawn anew when their box has its new width.
    await page.waitForFunction(() =>
      [...document.querySelectorAll('canvas')].every((canvas) => Math.abs(canvas.offsetWidth - (canvas.closest('[role="img"]')?.clientWidth ?? 0)) < 2),
    )
    await picture(page, `${name}-${theme}-390`)
    expect.soft(await overflow(page), 'wider than 390').toBe(0)
    expect.soft(await barriers(page)).toEqual([])
  })
}
