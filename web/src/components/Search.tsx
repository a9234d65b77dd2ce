// Ctrl-K: goes to a page, a workload, a node or a role, or explains a pod or an id.
import { useMemo, useState, type KeyboardEvent } from 'react'
import { useNavigate } from 'react-router'
import { MOST_ROWS, useApi } from '../api/queries'
import { arnName } from '../format'
import { useCarry } from '../state/url'
import { workloadPath } from './basics'
import { Modal } from './Modal'
import { usePods } from './searchPods'

export interface Hit {
  kind: string
  name: string
  detail: string
  to: string
  /** What is kept out of the address of the hit, or put into it. */
  extra?: Record<string, string | null>
}

export const PAGES: readonly { path: string; name: string }[] = [
  { path: '/', name: 'Overview' },
  { path: '/fallbacks', name: 'Fallbacks' },
  { path: '/readiness', name: 'Readiness' },
  { path: '/workloads', name: 'Workloads' },
  { path: '/roles', name: 'Roles' },
  { path: '/nodes', name: 'Nodes' },
  { path: '/explain', name: 'Explain' },
  { path: '/sql', name: 'SQL' },
  { path: '/ingestion', name: 'Ingestion' },
]

/** What the page at an address is called; null where there is none. */
export function pageName(pathname: string): string | null {
  const one = PAGES.find(({ path }) => pathname === path || (path !== '/' && pathname.startsWith(`${path}/`)))
  return one?.name ?? null
}

const MOST_HITS = 30

/** Tells whether the text is an id that only the service can look up. */
export function explainable(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text) || /^A[SK]IA[A-Z0-9]{12,}$/.test(text) || text.startsWith('arn:') || text.split('/').length >= 3
}

/** How well a hit fits a word: its name begins with it, a part of its name does, or it has it somewhere. Of a workload there are many pods: they come behind it. */
function rank(hit: Hit, word: string): number {
  const name = hit.name.toLowerCase()
  const fits = name.startsWith(word) ? 0 : name.split('/').some((part) => part.startsWith(word)) ? 1 : 2
  return hit.kind === 'Pod' ? fits + 1 : fits
}

/** Hits that have all words of the text, those whose name begins with it first. */
export function find(hits: readonly Hit[], text: string): Hit[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const fitting = hits.filter((hit) => {
    const all = `${hit.kind} ${hit.name} ${hit.detail}`.toLowerCase()
    return words.every((word) => all.includes(word))
  })
  const [first] = words
  return (first === undefined ? fitting : fitting.toSorted((a, b) => rank(a, first) - rank(b, first))).slice(0, MOST_HITS)
}

export function Search({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const carried = useCarry()
  const workloads = useApi('/api/v1/workloads', { query: { limit: MOST_ROWS } })
  const fallbacks = useApi('/api/v1/fallbacks', { query: { limit: MOST_ROWS } })
  const nodes = useApi('/api/v1/nodes', { query: { limit: MOST_ROWS } })
  const roles = useApi('/api/v1/roles', { query: { limit: MOST_ROWS } })

  const pods = usePods(text)
  const lists = [workloads, fallbacks, nodes, roles]
  const failed = lists.find((list) => list.error !== null)?.error ?? null
  const isWaiting = lists.some((list) => list.isLoading)
  const isCut = lists.some((list) => (list.data?.next_token ?? null) !== null)

  const all = useMemo<Hit[]>(() => {
    const found: Hit[] = PAGES.map((page) => ({ kind: 'Page', name: page.name, detail: '', to: page.path }))
    const seen = new Set<string>()
    // Workloads that only ever used a node's role are no rows of the first.
    for (const row of [...(workloads.data?.items ?? []), ...(fallbacks.data?.items ?? [])]) {
      if (row.cluster && row.namespace && row.service_account) {
        const to = workloadPath(row.cluster, row.namespace, row.service_account)
        if (!seen.has(to)) {
          seen.add(to)
          found.push({ kind: 'Workload', name: `${row.namespace}/${row.service_account}`, detail: row.cluster, to })
        }
      }
    }
    for (const row of nodes.data?.items ?? []) {
      if (row.node && !seen.has(row.node)) {
        seen.add(row.node)
        found.push({ kind: 'Node', name: row.node, detail: row.node_name ?? '', to: `/nodes/${encodeURIComponent(row.node)}` })
      }
    }
    for (const row of roles.data?.items ?? []) {
      if (row.role_arn) {
        found.push({ kind: 'Role', name: arnName(row.role_arn), detail: row.role_arn, to: '/roles', extra: { role_arn: row.role_arn } })
      }
    }
    return [...found, ...pods]
  }, [workloads.data, fallbacks.data, nodes.data, roles.data, pods])

  const wanted = text.trim()
  const hits = useMemo(() => {
    const found = find(all, wanted)
    const explain: Hit = { kind: 'Explain', name: wanted, detail: 'event id, access key id, ARN or pod', to: '/explain', extra: { id: wanted } }
    return wanted !== '' && (explainable(wanted) || found.length === 0) ? [explain, ...found] : found
  }, [all, wanted])
  const chosen = Math.min(at, hits.length - 1)

  const go = (hit: Hit | undefined) => {
    if (hit !== undefined) {
      onClose()
      void navigate(carried(hit.to, hit.extra))
    }
  }
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setAt(Math.max(0, Math.min(hits.length - 1, chosen + (event.key === 'ArrowDown' ? 1 : -1))))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      go(hits[chosen])
    } else if (event.key === 'Escape') {
      // By itself the browser would only clear the field.
      event.preventDefault()
      onClose()
    }
  }

  return (
    <Modal className="search" aria-label="Search" onClose={onClose}>
      <input
        type="search"
        role="combobox"
        aria-expanded="true"
        aria-controls="search-hits"
        aria-activedescendant={chosen >= 0 ? `search-hit-${chosen}` : undefined}
        aria-label="Search for a page, workload, pod, node, role, event id or access key id"
        placeholder="Workload, pod, node, role, event id, access key id …"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={keys}
      />
      <div className="hits" id="search-hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          // The field has the focus, and the keys that choose.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            // Pods of one workload have but their names to tell them apart.
            key={JSON.stringify([hit.kind, hit.to, hit.name, hit.detail])}
            id={`search-hit-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => go(hit)}
            ref={index === chosen ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
          >
            <span className="soft small">{hit.kind}</span> <span>{hit.name}</span> <span className="soft small">{hit.detail}</span>
          </div>
        ))}
      </div>
      {(failed !== null || isWaiting) && (
        <p className="soft small search-foot" role="status">
          {failed === null ? 'Workloads, nodes and roles are still read.' : `Not all workloads, nodes and roles could be read: ${failed.message}`}
        </p>
      )}
      {isCut && (
        <p className="soft small search-foot" role="status">
          Only the first {MOST_ROWS.toLocaleString('en-GB')} workloads, fallbacks, nodes and roles each are looked through. By its id or ARN anything is found.
        </p>
      )}
      <p className="soft small search-foot">
        <kbd>↑</kbd> <kbd>↓</kbd> choose · <kbd>Enter</kbd> open · <kbd>Esc</kbd> close
      </p>
    </Modal>
  )
}
