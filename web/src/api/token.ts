// The bearer token of this tab. It ends with the tab and reaches no other one, and no address.
const KEY = 'podtrail.token'

type Listener = () => void
const listeners = new Set<Listener>()

export const token = {
  get(): string | null {
    return sessionStorage.getItem(KEY)
  },
  set(value: string | null) {
    if (value === null) {
      sessionStorage.removeItem(KEY)
    } else {
      sessionStorage.setItem(KEY, value)
    }
    for (const listener of listeners) {
      listener()
    }
  },
  subscribe(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}
