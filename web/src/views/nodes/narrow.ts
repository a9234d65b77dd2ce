import { useSyncExternalStore } from 'react'

const query = window.matchMedia('(max-width: 860px)')

function subscribe(listener: () => void) {
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}

/** Whether the page is as narrow as a phone: what is drawn on a canvas cannot ask CSS. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => query.matches)
}
