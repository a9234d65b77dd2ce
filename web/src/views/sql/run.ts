// Runs statements one at a time. A statement that is cancelled, or that another replaces, is ended on the server as well.
import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError, sqlRows, type Schemas } from '../../api/client'

export type Run =
  | { state: 'idle' }
  | { state: 'running'; query: string; since: number }
  | { state: 'cancelled'; query: string; milliseconds: number }
  | { state: 'failed'; query: string; error: ApiError }
  | { state: 'done'; query: string; request: Schemas['SqlRequest']; answer: Schemas['Rows'] }

export function useRun(): { run: Run; start: (request: Schemas['SqlRequest']) => void; cancel: () => void } {
  const [run, setRun] = useState<Run>({ state: 'idle' })
  const running = useRef<AbortController | null>(null)

  const start = useCallback((request: Schemas['SqlRequest']) => {
    running.current?.abort()
    const abort = new AbortController()
    running.current = abort
    const { query } = request
    const since = Date.now()
    setRun({ state: 'running', query, since })
    sqlRows(request, abort.signal).then(
      (answer) => {
        if (running.current === abort) {
          running.current = null
          setRun({ state: 'done', query, request, answer })
        }
      },
      (reason: unknown) => {
        if (running.current === abort) {
          running.current = null
          const error = reason instanceof ApiError ? reason : new ApiError(0, 'The answer was cut off: the statement failed behind its first rows, or the connection did.')
          setRun(abort.signal.aborted ? { state: 'cancelled', query, milliseconds: Date.now() - since } : { state: 'failed', query, error })
        }
      },
    )
  }, [])

  const cancel = useCallback(() => running.current?.abort(), [])

  useEffect(
    () => () => {
      const abort = running.current
      running.current = null
      abort?.abort()
    },
    [],
  )
  return { run, start, cancel }
}
