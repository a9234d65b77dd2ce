// The bearer token of this tab. It ends with the tab and reaches no other one, and no address.
import { keep, kept } from '../state/kept'

const KEY = 'podtrail.token'

type Listener = () => void
const listeners = new Set<Listener>()

export const token = {
  get(): string | null {
    return kept('sessionStorage', KEY)
  },
  set(value: string | null) {
    keep('sessionStorage', KEY, value)
    for (const listener of listeners) {
      listener()
    }
  },
  subscribe(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}
