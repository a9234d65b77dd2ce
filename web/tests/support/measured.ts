// Figures that a run measures and does not judge. They are said when all tests are done, where they are seen.
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const file = (folder: string) => join(folder, 'measured.txt')

/** Keeps a figure until the end of the run. */
export async function measured(folder: string, text: string): Promise<void> {
  await appendFile(file(folder), `${text}\n`)
}

/** Says the figures of the run, if there are any. */
export async function sayMeasured(folder: string): Promise<void> {
  const text = await readFile(file(folder), 'utf8').catch(() => '')
  if (text !== '') {
    process.stdout.write(`\nMeasured, not judged:\n${text.replace(/^(?=.)/gm, '  ')}\n`)
  }
}
