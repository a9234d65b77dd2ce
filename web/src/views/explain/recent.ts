// Ids explained in this tab, the newest first.
import { keep, kept } from '../../state/kept'

const KEY = 'podtrail.explained'
const MOST = 12

export function recentIds(): string[] {
  try {
    const list: unknown = JSON.parse(kept('sessionStorage', KEY) ?? '[]')
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : []
  } catch {
    return []
  }
}

export function remember(id: string) {
  keep('sessionStorage', KEY, JSON.stringify([id, ...recentIds().filter((one) => one !== id)].slice(0, MOST)))
}
