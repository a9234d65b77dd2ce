// Which workload used which role, by which access path.
import { useMemo, type ReactNode } from 'react'
import { Link } from 'react-router'
import { MOST_ROWS, useApi } from '../api/queries'
import { FilterBar, LinkFilters, Select, TextFilter, valuesOf } from '../components/Filters'
import { PageHead, Panel } from '../components/basics'
import { Answer, Empty, Failed, Loading } from '../components/states'
import { Tabs } from '../components/Tabs'
import { counted } from '../format'
import { useCarry, useFilters, useUrlValue } from '../state/url'
import { ACCESS_PATHS, CONFIDENCES } from '../terms'
import { DeniedCalls } from './workloads/DeniedCalls'
import { Unused } from './workloads/Unused'
import { AccountTable, RoleTable } from './workloads/UseTables'
import { accounts, isNamed, matches, narrowed, sum, uses, textsOf } from './workloads/uses'
import './workloads.css'

const TABS = ['roles', 'accounts', 'unused', 'denied'] as const
type Tab = (typeof TABS)[number]

const TAKES = ['from', 'to', 'cluster', 'account', 'region', 'namespace', 'service_account', 'role_arn'] as const
const options = (names: Record<string, string>) => Object.entries(names).map(([value, name]) => ({ value, name }))

const PARTS: readonly { name: Tab; title: string; body: () => ReactNode }[] = [
  { name: 'roles', title: 'By role', body: () => <Used grouped={false} /> },
  { name: 'accounts', title: 'By service account', body: () => <Used grouped /> },
  { name: 'unused', title: 'Unused bindings', body: () => <Unused /> },
  { name: 'denied', title: 'Denied calls', body: () => <DeniedCalls /> },
]

export default function Workloads() {
  const [tab, setTab] = useUrlValue('tab')
  const shown = TABS.find((one) => one === tab) ?? 'roles'
  return (
    <div className="workloads">
      <PageHead
        title="Workloads"
        lead="Which service account used which role, and by which access path: its own by IRSA or EKS Pod Identity, one that it assumed, or the node’s."
      />
      <Controls tab={shown} />
      <Tabs<Tab> label="Views of workloads" shown={shown} onShow={(name) => setTab(name === 'roles' ? null : name)} tabs={PARTS} />
    </div>
  )
}

/** Filters without a control that the tabs take: the report on denied calls takes all. */
const OF_LISTS = ['service_account', 'role_arn', 'account', 'region'] as const
const OF_DENIED = [...OF_LISTS, 'actor', 'node', 'event_source'] as const

function Controls({ tab }: { tab: Tab }) {
  const times = useFilters(['from', 'to', 'cluster'])
  // All namespaces stay to choose from when one is chosen.
  const all = useApi('/api/v1/workloads', { query: { ...times, limit: MOST_ROWS } })
  const falling = useApi('/api/v1/fallbacks', { query: { ...times, limit: MOST_ROWS } })
  const namespaces = useMemo(
    () => valuesOf([...(all.data?.items ?? []), ...(falling.data?.items ?? [])], (row) => row.namespace),
    [all.data, falling.data],
  )
  return (
    <FilterBar>
      <Select name="namespace" label="Namespace" options={namespaces} />
      <Select name="access_path" label="Access path" options={options(ACCESS_PATHS)} />
      {tab !== 'unused' && <Select name="confidence" label="Confidence" options={options(CONFIDENCES)} />}
      <LinkFilters names={tab === 'denied' ? OF_DENIED : OF_LISTS} />
      <TextFilter label="Find" placeholder="name or role" />
    </FilterBar>
  )
}

function Used({ grouped }: { grouped: boolean }) {
  const query = useFilters(TAKES)
  const { access_path: accessPath, confidence } = useFilters(['access_path', 'confidence'])
  const [looked] = useUrlValue('q')
  const workloads = useApi('/api/v1/workloads', { query: { ...query, limit: MOST_ROWS } })
  // Of all roles: a service account's fallbacks are said whichever role is looked at.
  const { role_arn: role, ...others } = query
  const falling = useApi('/api/v1/fallbacks', { query: { ...others, limit: MOST_ROWS } })
  const fallbacks = useMemo(() => falling.data?.items ?? [], [falling.data])
  const rows = useMemo(
    () =>
      narrowed(uses(workloads.data?.items ?? [], fallbacks), { access_path: accessPath, confidence, role_arn: role }).filter((row) =>
        matches(looked, textsOf(row)),
      ),
    [workloads.data, fallbacks, accessPath, confidence, role, looked],
  )
  const untold = sum(fallbacks.filter((row) => !isNamed(row)).map((row) => row.calls))
  const isCut = (workloads.data?.next_token ?? falling.data?.next_token ?? null) !== null
  const said = isCut || untold > 0 ? <Note cut={isCut} untold={untold} /> : undefined
  const note = falling.error === null ? said : 'without fallbacks to node roles, which could not be read'
  return (
    <Panel
      title={grouped ? 'Service accounts that used roles' : 'Roles used, by service account'}
      note={grouped ? 'One row a service account, with all that it used.' : 'One row a service account, access path and role.'}
      flush
    >
      {falling.error !== null && <Failed error={falling.error} retry={() => void falling.refetch()} />}
      <Answer query={workloads}>
        {() => {
          if (falling.isPending) {
            // Without the fallbacks the table would say that nobody uses the node role.
            return <Loading />
          }
          if (rows.length === 0) {
            return <Nothing />
          }
          return grouped ? <AccountTable rows={accounts(rows, fallbacks)} note={note} /> : <RoleTable rows={rows} note={note} />
        }}
      </Answer>
    </Panel>
  )
}

function Nothing() {
  const to = useCarry()
  return (
    <Empty title="No workload used a role.">
      <p>
        With what is chosen above no call of a workload is known. <Link to={to('/ingestion')}>Ingestion</Link> says what was read.
      </p>
    </Empty>
  )
}

/** What the table does not hold. */
function Note({ cut, untold }: { cut: boolean; untold: number }) {
  const to = useCarry()
  return (
    <>
      {cut && 'only the first 10,000 of a list are shown: narrow the filters'}
      {cut && untold > 0 && ' · '}
      {untold > 0 && (
        <>
          {counted(untold, 'call')} with a node role cannot be told to a workload:{' '}
          <Link className="inline-link" to={to('/fallbacks')}>
            Fallbacks
          </Link>
        </>
      )}
    </>
  )
}
