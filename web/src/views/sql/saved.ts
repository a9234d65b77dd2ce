// Statements that the reader gave names, kept in this browser.
import { useSyncExternalStore } from 'react'
import { keep, kept } from '../../state/kept'

export interface Saved {
  name: string
  query: string
}

const KEY = 'podtrail.sql.saved'
const listeners = new Set<() => void>()
let held: { raw: string | null; list: readonly Saved[] } = { raw: null, list: [] }

function read(): readonly Saved[] {
  const raw = kept('localStorage', KEY)
  if (raw !== held.raw) {
    held = { raw, list: parse(raw) }
  }
  return held.list
}

function parse(raw: string | null): Saved[] {
  try {
    const list: unknown = JSON.parse(raw ?? '[]')
    return Array.isArray(list) ? list.filter((one): one is Saved => typeof one?.name === 'string' && typeof one?.query === 'string') : []
  } catch {
    return []
  }
}

function write(list: readonly Saved[]) {
  keep('localStorage', KEY, JSON.stringify(list))
  for (const listener of listeners) {
    listener()
  }
}

/** Keeps a statement; one of the same name gives way. */
export function save(name: string, query: string) {
  write([...read().filter((one) => one.name !== name), { name, query }].toSorted((a, b) => a.name.localeCompare(b.name, 'en')))
}

export function forget(name: string) {
  write(read().filter((one) => one.name !== name))
}

export function useSaved(): readonly Saved[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    window.addEventListener('storage', listener)
    return () => {
      listeners.delete(listener)
      window.removeEventListener('storage', listener)
    }
  }, read)
}
