import { useCallback, useMemo, useSyncExternalStore } from 'react'

/** Below it the menu is hidden, as in the styles. */
const PHONE = 860

/** Whether the window is at most so wide: what is drawn on a canvas cannot ask CSS. */
export function useNarrow(pixels = PHONE): boolean {
  const query = useMemo(() => window.matchMedia(`(max-width: ${pixels}px)`), [pixels])
  const subscribe = useCallback(
    (listener: () => void) => {
      query.addEventListener('change', listener)
      return () => query.removeEventListener('change', listener)
    },
    [query],
  )
  return useSyncExternalStore(subscribe, () => query.matches)
}
