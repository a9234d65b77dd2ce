// Reads tables of the dashboard.
import { expect } from 'vitest'
import type { Locator, Page } from 'playwright-core'
import { PATIENCE_MS } from './browser'

/** A table as it is shown: of a long one, the part that is drawn. */
export interface Shown {
  /** Rows that it has, drawn or not. */
  count: number
  rows: Record<string, string>[]
  /** Header and direction of the order. */
  sort: string | null
}

export function table(page: Page | Locator, label: string | RegExp): Locator {
  return page.getByRole('table', { name: label })
}

export async function read(where: Locator): Promise<Shown> {
  await where.waitFor()
  return where.evaluate((element) => {
    const shown = element as HTMLTableElement
    // Within what the browser runs: nothing of this file is there.
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    const plain = (text: string | null) => (text ?? '').replace(/\s+/g, ' ').trim()
    const heads = [...(shown.tHead?.rows[0]?.cells ?? [])]
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    const name = (head: Element | null | undefined) => plain(head?.textContent ?? '').replace(/\s*[▲▼]$/, '')
    // A cell may have several values, one below the other, and its header a button for each.
    const names = heads.map((head) => (head.querySelector('button') === null ? [name(head)] : [...head.querySelectorAll('button')].map(name)))
    const sorted = heads.find((head) => ['ascending', 'descending'].includes(head.getAttribute('aria-sort') ?? ''))
    const rows = [...(shown.tBodies[0]?.rows ?? [])].filter((row) => row.getAttribute('aria-hidden') !== 'true')
    return {
      count: Number(shown.getAttribute('aria-rowcount')) - 1,
      rows: rows.map((row) =>
        Object.fromEntries(
          [...row.cells].flatMap((cell, at) => {
            const parts = [...cell.querySelectorAll<HTMLElement>(':scope > .part')]
            return (parts.length === 0 ? [cell] : parts).map((part, line) => [names[at]?.[line] ?? '', plain(part.innerText)])
          }),
        ),
      ),
      sort: sorted === undefined ? null : `${name(sorted.querySelector('[aria-current="true"]') ?? sorted.querySelector('button'))} ${sorted.getAttribute('aria-sort')}`,
    }
  })
}

/** Waits until a reading of the page is as it has to be. */
export function soon<T>(look: () => Promise<T> | T) {
  return expect.poll(look, { timeout: PATIENCE_MS, interval: 50 })
}
