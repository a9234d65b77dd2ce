// Pods that fall back to their node's role: who, why, and what to run.
import { useMemo } from 'react'
import { Link } from 'react-router'
import { MOST_ROWS, useApi } from '../api/queries'
import { PageHead, Panel, Tile } from '../components/basics'
import { FilterBar, LinkFilters, Select, TextFilter, valuesOf } from '../components/Filters'
import { Answer, Empty } from '../components/states'
import { count, counted, share } from '../format'
import { useCarry, useFilters, useUrlValues } from '../state/url'
import { CAUSES, CONFIDENCES } from '../terms'
import { Causes } from './fallbacks/Causes'
import { byCause, isNamed, narrowed, whoFalls, type Fallback } from './fallbacks/fallback'
import { FallbackDrawer } from './fallbacks/FallbackDrawer'
import { FallbackTable } from './fallbacks/FallbackTable'
import './fallbacks/fallbacks.css'

export default function Fallbacks() {
  // The other filters narrow on the page: choices and causes keep showing what else there is.
  const filters = useFilters(['from', 'to', 'cluster', 'account', 'region', 'service_account', 'role_arn'])
  const fallbacks = useApi('/api/v1/fallbacks', { query: { ...filters, limit: MOST_ROWS } })
  const [params, set] = useUrlValues()
  const open = params.get('open')
  const rows = fallbacks.data?.items
  return (
    <>
      <PageHead
        title="Fallbacks"
        lead="Pods without working credentials of their own, which use the role of their node instead. Open one for the evidence and the commands that fix it."
      />
      <Filters rows={rows} />
      <Answer query={fallbacks} lines={8}>
        {(data) => (
          <Found
            rows={data.items}
            cut={data.next_token !== null}
            selected={open}
            onOpen={(row) => set({ open: row.id, tab: null })}
          />
        )}
      </Answer>
      {open !== null && rows !== undefined && (
        <FallbackDrawer key={open} id={open} listed={rows.find((row) => row.id === open)} onClose={() => set({ open: null, tab: null })} />
      )}
    </>
  )
}

/** Filters that the list takes and that have no control. */
const OF_LINKS = ['service_account', 'account', 'region'] as const

function Filters({ rows }: { rows: readonly Fallback[] | undefined }) {
  const causes = useMemo(() => byCause(rows ?? []).map(({ cause }) => ({ value: cause, name: CAUSES[cause]?.name ?? cause })), [rows])
  const namespaces = useMemo(() => valuesOf(rows, (row) => row.namespace), [rows])
  const roles = useMemo(() => valuesOf(rows, (row) => row.role_arn).map(({ value }) => ({ value, name: value.replace(/^.*\//, '') })), [rows])
  const confidences = Object.entries(CONFIDENCES).map(([value, name]) => ({ value, name }))
  return (
    <div className="fb-filters">
      <FilterBar>
        <TextFilter label="Find" placeholder="workload, action …" />
        <Select name="namespace" label="Namespace" options={namespaces} />
        <Select name="cause" label="Cause" options={causes} />
        <Select name="confidence" label="Confidence" options={confidences} />
        <Select name="role_arn" label="Node role" options={roles} />
        <LinkFilters names={OF_LINKS} />
      </FilterBar>
    </div>
  )
}

// The service gives a row whole if it was seen in the time range at all.
const WHOLE_ROWS = ' Those seen in the time range; their figures are of all time.'

function Found({ rows, cut, selected, onOpen }: { rows: readonly Fallback[]; cut: boolean; selected: string | null; onOpen: (row: Fallback) => void }) {
  const to = useCarry()
  const [params] = useUrlValues()
  const namespace = params.get('namespace')
  const cause = params.get('cause')
  const confidence = params.get('confidence')
  const q = params.get('q')
  const ofAnyCause = useMemo(() => narrowed(rows, { namespace, cause: null, confidence, q }), [rows, namespace, confidence, q])
  const shown = useMemo(() => narrowed(ofAnyCause, { namespace: null, cause, confidence: null, q: null }), [ofAnyCause, cause])
  const causes = useMemo(() => byCause(ofAnyCause), [ofAnyCause])
  const ranged = params.has('from') || params.has('to')
  if (rows.length === 0) {
    return (
      <Panel title="No fallbacks">
        <Empty title="No pod was seen to use its node's role.">
          <p>
            That is good news where the trail covers the cluster and its inventory was imported: <Link to={to('/readiness')}>Readiness</Link> says what was not observed.
          </p>
        </Empty>
      </Panel>
    )
  }
  return (
    <div className="fb-page">
      <Figures rows={shown} ranged={ranged} />
      <Panel title="Why" note="Workloads, and callers that are not known, by cause. Each cause has its own fix.">
        <Causes causes={causes} />
      </Panel>
      <Panel title="Who" note={`A row per workload, node role and cluster; where the pod is not known, per program.${ranged ? WHOLE_ROWS : ''}`} flush>
        {shown.length === 0 ? (
          <Empty title="No fallback fits these filters." />
        ) : (
          <FallbackTable rows={shown} selected={selected} onOpen={onOpen} note={cut ? 'of the first 10,000 only: choose a cluster to see the others' : undefined} />
        )}
      </Panel>
    </div>
  )
}

function Figures({ rows, ranged }: { rows: readonly Fallback[]; ranged: boolean }) {
  const { workloads, unknown } = whoFalls(rows)
  const calls = rows.reduce((sum, row) => sum + (row.calls ?? 0), 0)
  const denied = rows.reduce((sum, row) => sum + (row.denied ?? 0), 0)
  const roles = new Set(rows.filter(isNamed).map((row) => `${row.cluster} ${row.role_arn}`)).size
  return (
    <div className="tiles">
      <Tile name="Workloads named" figure={count(workloads)} note={`on ${counted(roles, 'node role')}`} tone={workloads > 0 ? 'bad' : 'good'} />
      <Tile name="Workload not known" figure={count(unknown)} note="callers that may be one of the others" {...(unknown > 0 ? { tone: 'warn' as const } : {})} />
      <Tile name="Calls with node roles" figure={count(calls)} note={ranged ? 'by these pods, of all time' : 'by these pods'} />
      <Tile name="Denied" figure={count(denied)} note={`${share(denied, calls)} of these calls were refused`} />
    </div>
  )
}
