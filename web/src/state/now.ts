import { useEffect, useState } from 'react'

/** Ages are told by the minute: half of one is soon enough. */
const TICK_MS = 30_000

/** The time now, in milliseconds; anew while the page stays open, so that what is old does not go on to look new. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), TICK_MS)
    return () => window.clearInterval(timer)
  }, [])
  return now
}
