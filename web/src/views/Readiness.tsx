// Whether the instances of each node role can go to IMDS hop limit 1, what would break, and what to run.
import { useMemo } from 'react'
import { MOST_ROWS, useApi } from '../api/queries'
import { PageHead, Panel, Tile } from '../components/basics'
import { FilterBar, Select, valuesOf } from '../components/Filters'
import { Answer, Empty } from '../components/states'
import { arnName, count, counted } from '../format'
import { useCarry, useFilters, useUrlValue, useUrlValues } from '../state/url'
import { HOP_LIMIT } from '../terms'
import { NodeRoleCard } from './readiness/NodeRole'
import { byRole, countVerdicts, inOrder, keyOf, verdict, VERDICTS, whatBreaks, type NodeRole } from './readiness/readiness'
import './fallbacks/fallbacks.css'
import './readiness/readiness.css'

export default function Readiness() {
  const filters = useFilters(['cluster', 'role_arn'])
  const readiness = useApi('/api/v1/readiness', { query: { ...filters, limit: MOST_ROWS } })
  return (
    <>
      <PageHead
        title="Readiness"
        lead="At IMDS hop limit 1 with tokens required, ordinary pods cannot take the role of their node any more. Which node roles can be switched today, and what would break on the others?"
      />
      <AllTime />
      <Answer query={readiness} lines={8}>
        {(data) => <Found rows={data.items} cut={data.next_token !== null} />}
      </Answer>
    </>
  )
}

/** The verdict is of all that the store holds: a shorter look would call more of it safe. */
function AllTime() {
  const [params] = useUrlValues()
  return params.has('from') || params.has('to') ? (
    <p className="soft">The time range does not narrow this page: a verdict rests on all that was observed.</p>
  ) : null
}

function Found({ rows, cut }: { rows: readonly NodeRole[]; cut: boolean }) {
  const filters = useFilters(['cluster', 'role_arn'])
  const fallbacks = useApi('/api/v1/fallbacks', { query: { ...filters, limit: MOST_ROWS } })
  const nodes = useApi('/api/v1/nodes', { query: { ...filters, limit: MOST_ROWS } })
  const fallbacksOf = useMemo(() => byRole(fallbacks.data?.items ?? []), [fallbacks.data])
  const nodesOf = useMemo(() => byRole(nodes.data?.items ?? []), [nodes.data])
  const [chosen] = useUrlValue('hop_limit_1')
  const shown = useMemo(() => inOrder(rows).filter((row) => chosen === null || verdict(row) === chosen), [rows, chosen])
  if (rows.length === 0) {
    return (
      <Panel title="No node roles">
        <Empty title="No node of a cluster was seen yet.">
          <p>Read the trail of the account that the nodes run in (podtrail ingest), and import the inventory of the cluster (podtrail inventory collect).</p>
        </Empty>
      </Panel>
    )
  }
  return (
    <div className="rd-page">
      <Summary rows={rows} chosen={chosen} />
      <div className="rd-filters">
        <FilterBar>
          <Select name="hop_limit_1" label="Verdict" options={VERDICTS.map((value) => ({ value, name: HOP_LIMIT[value]?.name ?? value }))} />
          <Select name="role_arn" label="Node role" options={valuesOf(rows, (row) => row.role_arn).map(({ value }) => ({ value, name: arnName(value) }))} />
        </FilterBar>
      </div>
      {nodes.error !== null && <p className="soft">Instances, with their metadata options and region, could not be read: {nodes.error.message}</p>}
      {[nodes.data, fallbacks.data].some((page) => (page?.next_token ?? null) !== null) && (
        <p className="soft">Verdicts are of all; instances and workloads below are of the first 10,000 only: choose a cluster or a node role to see the others.</p>
      )}
      {cut && <p className="soft">The first 10,000 node roles only: choose a cluster to see the others.</p>}
      {shown.length === 0 && (
        <Panel title="Nothing to show">
          <Empty title="No node role has this verdict." />
        </Panel>
      )}
      {shown.map((row) => (
        <NodeRoleCard key={keyOf(row)} row={row} nodes={nodesOf.get(keyOf(row)) ?? []} fallbacks={fallbacks} rowsOf={fallbacksOf} />
      ))}
    </div>
  )
}

function Summary({ rows, chosen }: { rows: readonly NodeRole[]; chosen: string | null }) {
  const to = useCarry()
  const found = countVerdicts(rows)
  const breaking = rows.filter((row) => verdict(row) === 'breaks')
  const link = (value: string) => to('/readiness', { hop_limit_1: chosen === value ? null : value })
  return (
    <div className="tiles">
      <Tile name="Safe to switch today" figure={count(found.safe.roles)} note={`${roles(found.safe.roles)}, ${counted(found.safe.instances, 'running instance')}`} {...(found.safe.roles > 0 ? { tone: 'good' as const } : {})} to={link('safe')} />
      <Tile name="Would break workloads" figure={count(found.breaks.roles)} note={breaking.length === 0 ? 'node roles' : `${roles(found.breaks.roles)}: ${whatBreaks(breaking).text}`} {...(found.breaks.roles > 0 ? { tone: 'bad' as const } : {})} to={link('breaks')} />
      <Tile name="Not known" figure={count(found.unknown.roles)} note={`${roles(found.unknown.roles)}${found.unknown.roles === 0 ? '' : '; each says what was not observed'}`} {...(found.unknown.roles > 0 ? { tone: 'warn' as const } : {})} to={link('unknown')} />
    </div>
  )
}

function roles(number: number): string {
  return number === 1 ? 'node role' : 'node roles'
}
