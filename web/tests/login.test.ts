// A service that asks for tokens.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Page } from 'playwright-core'
import { PATIENCE_MS, api, settled, visits } from './support/browser'
import { barriers, overflow, picture } from './support/look'
import { run } from './support/program'
import { Service } from './support/service'
import { soon } from './support/table'

const { open, expectRefusals } = visits()
let service: Service
const tokens: Record<'read' | 'sql', string> = { read: '', sql: '' }
let file: string

beforeAll(async () => {
  file = join(inject('folder'), 'tokens.jsonl')
  for (const scope of ['read', 'sql'] as const) {
    // One after the other: both write the same file.
    // oxlint-disable-next-line no-await-in-loop
    tokens[scope] = (await run(inject('folder'), ['token', '--tokens', file, 'create', scope, '--scope', scope])).trim()
  }
  service = await Service.start(inject('folder'), ['--store', inject('store'), '--tokens', file])
})
afterAll(async () => {
  await service?.stop()
})

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
}

test('nothing is shown without a token, and a wrong one is refused', async () => {
  expectRefusals()
  const { page } = await open('/fallbacks', { address: service.address })
  await page.getByLabel('Token').waitFor()
  expect(await page.getByRole('navigation').count()).toBe(0)
  expect(await page.getByRole('button', { name: 'Log in' }).isDisabled()).toBe(true)
  // It says why.
  await page.getByText('Enter a token to log in.').waitFor()
  await logIn(page, 'wrong')
  await page.getByRole('alert').filter({ hasText: 'not valid' }).waitFor()
  expect(await page.evaluate(() => sessionStorage.getItem('podtrail.token'))).toBeNull()
  expect(await page.getByRole('navigation').count()).toBe(0)
  expect(await barriers(page)).toEqual([])
  await picture(page, 'login-light-1280')
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await overflow(page)).toBe(0)
  await picture(page, 'login-light-390')
})

test('the right token shows the page that was asked for, until the log-out', async () => {
  expectRefusals()
  const { page } = await open('/fallbacks?cluster=myeks', { address: service.address })
  await logIn(page, tokens.sql)
  const fallbacks = page.getByRole('table', { name: /fall back/i })
  const { items } = await api<{ items: unknown[] }>('/api/v1/fallbacks?cluster=myeks&limit=10000', { address: service.address, token: tokens.sql })
  await soon(() => fallbacks.getAttribute('aria-rowcount', { timeout: PATIENCE_MS })).toBe(String(items.length + 1))
  expect(page.url()).toBe(`${service.address}/fallbacks?cluster=myeks`)

  await page.reload()
  await fallbacks.waitFor()

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Token').waitFor()
  expect(await fallbacks.count()).toBe(0)
  expect(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]))).not.toContain(tokens.sql)
  await page.reload()
  await page.getByLabel('Token').waitFor()
})

test('a token without the scope for it cannot run SQL, and is told so', async () => {
  const { page } = await open('/sql', { address: service.address, token: tokens.read })
  const execute = page.getByRole('button', { name: /^Run/ }).first()
  await soon(() => execute.isDisabled()).toBe(true)
  expect(`${await execute.getAttribute('title')} ${await page.getByRole('main').innerText()}`).toMatch(/scope/i)
})

test('a token with it can', async () => {
  const { page } = await open('/sql', { address: service.address, token: tokens.sql })
  const execute = page.getByRole('button', { name: /^Run/ }).first()
  await soon(() => execute.isEnabled()).toBe(true)
})

test('a token that is revoked while the page is open', async () => {
  expectRefusals()
  const made = (await run(inject('folder'), ['token', '--tokens', file, 'create', 'brief', '--scope', 'read'])).trim()
  await soon(async () => (await fetch(`${service.address}/api/v1/session`, { headers: { authorization: `Bearer ${made}` } })).status).toBe(200)
  const { page } = await open('/fallbacks', { address: service.address, token: made })
  await page.getByRole('table', { name: /fall back/i }).waitFor()
  const list = JSON.parse(await run(inject('folder'), ['token', '--tokens', file, 'list', '--output', 'json'])) as { id: string; name: string }[]
  const id = list.find((one) => one.name === 'brief')?.id
  expect(id).toBeDefined()
  await run(inject('folder'), ['token', '--tokens', file, 'revoke', id ?? ''])
  await soon(async () => (await fetch(`${service.address}/api/v1/session`, { headers: { authorization: `Bearer ${made}` } })).status).toBe(401)
  await page.getByLabel('Cluster').first().selectOption('myeks')
  await page.getByText(/log in with a token/i).first().or(page.getByLabel('Token')).waitFor()
  await page.reload()
  await page.getByLabel('Token').waitFor()
  await settled(page)
})
