// What the pages load: only what the service has, under a strict policy, as quickly as can be.
import { beforeAll, expect, inject, test } from 'vitest'
import { visits } from './support/browser'
import { measured } from './support/measured'
import { NAMES, views, type View, type ViewName } from './support/views'

const { open } = visits()
let all: Record<ViewName, View>

beforeAll(async () => {
  all = await views()
})

// `open` fails a test whose page has an error, a breach of its policy, or a request to elsewhere.
test('all views, one after the other by the menu', async () => {
  const { page } = await open('/')
  const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
  expect(await links.count()).toBe(9)
  for (const link of await links.all()) {
    const name = (await link.innerText()).trim()
    await link.click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    expect(await page.title()).toBe(`${name} · podtrail`)
    expect(await link.getAttribute('aria-current')).toBe('page')
  }
})

test.each(NAMES)('the address of %s gives the page, which is asked for anew each time', async (name) => {
  const address = inject('address') + all[name].path
  const answer = await fetch(address)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  const tag = answer.headers.get('etag') ?? ''
  const known = await fetch(address, { headers: { 'if-none-match': tag } })
  expect(known.status).toBe(304)
})

test('files with a hash in their name are kept for good', async () => {
  const { page } = await open('/')
  const files = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name))
  const hashed = files.filter((file) => new URL(file).pathname.startsWith('/assets/'))
  expect(hashed.length).toBeGreaterThan(2)
  const answers = await Promise.all(hashed.map((file) => fetch(file)))
  for (const answer of answers) {
    expect(answer.status, answer.url).toBe(200)
    expect(answer.headers.get('cache-control'), answer.url).toContain('immutable')
    expect(answer.headers.get('content-type'), answer.url).toMatch(/^text\/(javascript|css); charset=utf-8$/)
  }
  expect((await fetch(`${inject('address')}/assets/none-00000000.js`)).status).toBe(404)
})

test('the page has no script and no style of its own', async () => {
  const text = await (await fetch(inject('address'))).text()
  expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/)
  expect(text).not.toMatch(/<style|\sstyle=|\son\w+=/)
})

const LOADS = 3

// How long it takes says as much of the machine as of the page: it is measured for people, see docs/dashboard.md.
test('when it is first seen', async () => {
  const times: number[] = []
  for (let load = 0; load < LOADS; load += 1) {
    // One after the other, each with an empty cache: `open` gives a browser context of its own.
    // oxlint-disable-next-line no-await-in-loop
    const { page } = await open('/')
    // oxlint-disable-next-line no-await-in-loop
    const paint = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
    // oxlint-disable-next-line no-await-in-loop
    times.push(Math.round((await paint.jsonValue()) ?? 0))
  }
  const [least, median, most] = times.toSorted((a, b) => a - b)
  expect(least).toBeGreaterThan(0)
  await measured(inject('folder'), `first contentful paint of the overview, empty cache: ${median} ms (median of ${LOADS} loads, ${least} to ${most} ms)`)
})
