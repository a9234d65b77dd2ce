// How a page looks: what axe-core says of it, whether it fits, and a picture of it.
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { Locator, Page } from 'playwright-core'

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

interface Found {
  id: string
  impact: string | null
  help: string
  nodes: { html: string; target: unknown; failureSummary?: string }[]
}

/** Serious faults for those who do not see, hear or point well, each as a text. */
export async function barriers(page: Page): Promise<string[]> {
  // As a script of the page its policy would forbid it.
  await page.evaluate(await readFile(axePath, 'utf8'))
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (context: Document, options: object) => Promise<{ violations: Found[] }> } }
    return (await axe.run(document, { resultTypes: ['violations'] })).violations
  })
  return found
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .flatMap((one) => one.nodes.map((node) => `${one.id} (${one.help}): ${JSON.stringify(node.target)} ${node.html.slice(0, 200)} ${node.failureSummary ?? ''}`))
}

/** By how many pixels the page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

/** Names of a table's headers that are seen whole without scrolling sideways. */
export async function headersInView(table: Locator): Promise<string[]> {
  await table.waitFor()
  return table.evaluate((element) => {
    const box = (element.closest('.table-scroll') ?? element).getBoundingClientRect()
    return [...element.querySelectorAll('th > button')]
      .filter((head) => {
        const { left, right } = head.getBoundingClientRect()
        return left >= box.left - 1 && right <= box.right + 1
      })
      .map((head) => (head.textContent ?? '').replace(/\s*[▲▼]$/, ''))
  })
}

/** Where pictures are put: PODTRAIL_SHOTS, or `shots`. */
const shots = resolve(process.env.PODTRAIL_SHOTS ?? 'shots')

/** Takes a picture of the whole page. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true, animations: 'disabled' })
}
