// Every view in both themes and at both widths: readable for all, fitting, and kept as a picture.
import { beforeAll, expect, test } from 'vitest'
import { visits } from './support/browser'
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
