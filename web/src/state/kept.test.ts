import { afterEach, expect, test, vi } from 'vitest'
import { keep, kept } from './kept'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A store of values as browsers have it, or one that they forbid. */
function store(isForbidden = false) {
  const values = new Map<string, string>()
  const allowed = <Result>(act: () => Result) => {
    if (isForbidden) {
      throw new DOMException('forbidden', 'SecurityError')
    }
    return act()
  }
  return {
    values,
    getItem: (key: string) => allowed(() => values.get(key) ?? null),
    setItem: (key: string, value: string) => allowed(() => void values.set(key, value)),
    removeItem: (key: string) => allowed(() => void values.delete(key)),
  }
}

test('values are kept in the browser', () => {
  const local = store()
  vi.stubGlobal('localStorage', local)
  expect(kept('localStorage', 'a')).toBeNull()
  keep('localStorage', 'a', '1')
  expect(local.values.get('a')).toBe('1')
  expect(kept('localStorage', 'a')).toBe('1')
  keep('localStorage', 'a', null)
  expect(kept('localStorage', 'a')).toBeNull()
})

test('where the browser forbids it they last as long as the page', () => {
  vi.stubGlobal('sessionStorage', store(true))
  expect(kept('sessionStorage', 'b')).toBeNull()
  keep('sessionStorage', 'b', '1')
  expect(kept('sessionStorage', 'b')).toBe('1')
  keep('sessionStorage', 'b', null)
  expect(kept('sessionStorage', 'b')).toBeNull()
})
