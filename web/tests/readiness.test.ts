// Verdicts that the demo does not come to, with rows made up for them.
import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import type { Schemas } from '../src/api/client'
import { api, settled, visits } from './support/browser'
import { barriers } from './support/look'

const { open } = visits()
type Row = Schemas['ReadinessRow']

const ROLE = 'arn:aws:iam::111122223333:role'
const MADE = {
  safe: { role_arn: `${ROLE}/made-safe`, hop_limit_1: 'safe', workloads_that_break: 0, breaks: '', unknown_calls: 0, not_observed: '', running_instances: 3, closed_instances: 0 },
  closed: { role_arn: `${ROLE}/made-closed`, hop_limit_1: 'safe', workloads_that_break: 0, breaks: '', unknown_calls: 0, not_observed: '', running_instances: 2, closed_instances: 2 },
  unknown: {
    role_arn: `${ROLE}/made-unknown`,
    hop_limit_1: 'unknown',
    workloads_that_break: 0,
    breaks: '',
    unknown_calls: 0,
    not_observed: 'its nodes were seen for less than 7 days: what runs weekly was not seen; 2 days without records: what ran then was not seen',
    observed_from: '2026-05-01T06:00:00Z',
  },
  breaks: { role_arn: `${ROLE}/made-breaks`, hop_limit_1: 'breaks', workloads_that_break: 3, breaks: 'an unknown pod, shop/Deployment/a, shop/Deployment/b', not_observed: '' },
} satisfies Record<string, Partial<Row>>

async function answerWith(page: Page, rows: readonly Partial<Row>[]): Promise<void> {
  const answer = await api<{ items: Row[] }>('/api/v1/readiness?limit=10000')
  const [first] = answer.items
  await page.route(/\/api\/v1\/readiness\b/, (route) => route.fulfill({ json: { ...answer, items: rows.map((row) => ({ ...first, ...row })) } }))
}

const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

test('cards of all verdicts', async () => {
  const { page, go } = await open('/ingestion')
  await answerWith(page, Object.values(MADE))
  await go('/readiness')

  const safe = card(page, 'made-safe')
  expect(await safe.innerText()).toMatch(/Safe[^]*can go to hop limit 1 today[^]*Nothing is missing/)
  await safe.getByRole('heading', { name: 'What to run' }).waitFor()
  expect(await safe.getByRole('tab').count()).toBeGreaterThan(1)
  expect(await safe.getByRole('heading', { name: 'Workloads that would break' }).count()).toBe(0)

  const unknown = card(page, 'made-unknown')
  const text = (await unknown.innerText()).replace(/\s+/g, ' ')
  expect(text).toContain('too little was observed to call it safe')
  expect(text).toContain('Its nodes were seen for less than 7 days: what runs weekly was not seen. Wait until 2026-05-08 06:00:00 UTC.')
  expect(text).toContain('2 days without records: what ran then was not seen. Read the log files of these days, which Ingestion names. podtrail ingest SOURCE --from FIRST_DAY --to LAST_DAY')
  // The browser of the tests is in Berlin, two hours ahead.
  expect(await unknown.getByRole('time').filter({ hasText: '2026-05-08' }).getAttribute('title')).toContain('2026-05-08 08:00:00')

  const breaks = (await card(page, 'made-breaks').innerText()).replace(/\s+/g, ' ')
  expect(breaks).toContain('2 workloads and callers that are not known would lose the credentials that they use now')
  expect(breaks).toContain('Fix them first')
  expect(await barriers(page)).toEqual([])
})

test('the overview says the same', async () => {
  const { page, go } = await open('/ingestion')
  await answerWith(page, Object.values(MADE))
  await go('/')
  await settled(page)
  const panel = page.getByRole('region', { name: 'Hop limit 1 by node role' })
  const text = (await panel.innerText()).replace(/\s+/g, ' ')
  expect(text).toContain('1 of 4 node roles could switch today. 1 has it already.')
  expect(text).toContain('2 workloads and callers that are not known would break: shop/Deployment/a, shop/Deployment/b.')
  expect(text).toContain('Wait until 2026-05-08 06:00:00 UTC.')
  expect(text).toContain('podtrail ingest SOURCE --from FIRST_DAY --to LAST_DAY')
})
