// Pods that fit what is searched for. There are too many to be read at once, and no list has them: they are asked for by SQL.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { sqlRows, type ApiError, type Schemas } from '../api/client'
import { useMaySql } from '../api/queries'
import type { Hit } from './Search'

/** Pods asked for. */
const MOST_PODS = 20
/** Shorter texts fit too many to be of use. */
const SHORTEST = 3
/** Words that a pod has to have; further ones narrow what is found of them. */
const MOST_WORDS = 6
/** Wait after the last key before pods are asked for. */
const TYPING_MS = 200

/** What a pod is found by: the words of `find`, as SQL. */
const FOUND_BY = "lower(concat('pod ', pod, ' ', cluster, '/', namespace, '/', service_account))"

/** The statement that finds pods by all words of a text; null where it has too few letters. Those that begin with the first word come first. */
export function podStatement(text: string): Schemas['SqlRequest'] | null {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).slice(0, MOST_WORDS)
  if (!words.some((word) => word.length >= SHORTEST)) {
    return null
  }
  const fitting = words.map((_, at) => `strpos(${FOUND_BY}, $${at + 1}) > 0`).join(' AND ')
  const query = `SELECT cluster, namespace, service_account, pod FROM pods
WHERE service_account IS NOT NULL AND ${fitting}
GROUP BY cluster, namespace, service_account, pod
ORDER BY starts_with(lower(pod), $1) DESC, max(valid_from) DESC, pod
LIMIT ${MOST_PODS}`
  return { query, params: words }
}

/** A pod's story, as what is found. */
export function podHit(row: Record<string, unknown>): Hit[] {
  const parts = [row.cluster, row.namespace, row.service_account, row.pod]
  return parts.every((part) => typeof part === 'string')
    ? [{ kind: 'Pod', name: String(row.pod), detail: parts.slice(0, 3).join('/'), to: '/explain', extra: { id: parts.join('/') } }]
    : []
}

/** Pods for a text that is being typed; none for those who may not run statements. */
export function usePods(text: string): Hit[] {
  const [settled, setSettled] = useState('')
  const maySql = useMaySql() === true
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), TYPING_MS)
    return () => window.clearTimeout(timer)
  }, [text])
  const request = podStatement(settled)
  const { data } = useQuery<Schemas['Rows'], ApiError>({
    queryKey: ['pods found', settled.trim().toLowerCase()],
    queryFn: ({ signal }) => sqlRows(request ?? { query: '' }, signal),
    enabled: maySql && request !== null,
    placeholderData: keepPreviousData,
    retry: false,
  })
  return useMemo(() => (data?.items ?? []).flatMap((row) => podHit(row as Record<string, unknown>)), [data])
}
