// What is kept in the browser, for the tab or for longer. Browsers may forbid it, or have no room: it lasts as long as the page then.

/** Values that could not be kept otherwise. */
const held = new Map<string, string | null>()

/** Reads a value that was kept; null where there is none. */
export function kept(area: 'localStorage' | 'sessionStorage', key: string): string | null {
  const own = held.get(`${area} ${key}`)
  if (own !== undefined) {
    return own
  }
  try {
    return globalThis[area].getItem(key)
  } catch {
    return null
  }
}

/** Keeps a value; null takes it out. */
export function keep(area: 'localStorage' | 'sessionStorage', key: string, value: string | null): void {
  try {
    if (value === null) {
      globalThis[area].removeItem(key)
    } else {
      globalThis[area].setItem(key, value)
    }
    held.delete(`${area} ${key}`)
  } catch {
    held.set(`${area} ${key}`, value)
  }
}
