// Light or dark: the reader's choice, or else the system's.
import { useSyncExternalStore } from 'react'
import { keep, kept } from './kept'

export type Theme = 'light' | 'dark'
const KEY = 'podtrail.theme'
const listeners = new Set<() => void>()
const system = window.matchMedia('(prefers-color-scheme: dark)')

function chosen(): Theme | null {
  const value = kept('localStorage', KEY)
  return value === 'light' || value === 'dark' ? value : null
}

export function theme(): Theme {
  return chosen() ?? (system.matches ? 'dark' : 'light')
}

function apply() {
  document.documentElement.dataset.theme = theme()
  for (const listener of listeners) {
    listener()
  }
}

export function setTheme(value: Theme) {
  keep('localStorage', KEY, value)
  apply()
}

export function startTheme() {
  system.addEventListener('change', apply)
  apply()
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, theme)
}
