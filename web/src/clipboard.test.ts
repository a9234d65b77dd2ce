import { afterEach, describe, expect, test, vi } from 'vitest'
import { copyText } from './clipboard'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A page that may copy by the older way alone, or not at all. */
function older(allowed: boolean) {
  const copied: string[] = []
  const listeners = new Set<(event: unknown) => void>()
  vi.stubGlobal('navigator', {})
  vi.stubGlobal('document', {
    addEventListener: (_: string, listener: (event: unknown) => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: (event: unknown) => void) => listeners.delete(listener),
    execCommand: () => {
      const event = { preventDefault: () => undefined, stopImmediatePropagation: () => undefined, clipboardData: { setData: (_: string, text: string) => copied.push(text) } }
      for (const listener of allowed ? listeners : []) {
        listener(event)
      }
      return allowed
    },
  })
  return { copied, listeners }
}

describe('a text is copied', () => {
  test('by the clipboard, where the page has it', async () => {
    const writeText = vi.fn<(text: string) => Promise<void>>(() => Promise.resolve())
    vi.stubGlobal('navigator', { clipboard: { writeText } })
    await copyText('a')
    expect(writeText).toHaveBeenCalledWith('a')
  })

  test('by command, where it is reached without TLS', async () => {
    const { copied, listeners } = older(true)
    await copyText('a')
    expect(copied).toEqual(['a'])
    expect(listeners.size).toBe(0)
  })

  test('or it is said that it was not', async () => {
    const { copied, listeners } = older(false)
    await expect(copyText('a')).rejects.toThrow('did not allow')
    expect(copied).toEqual([])
    expect(listeners.size).toBe(0)
  })
})
