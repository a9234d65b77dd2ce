import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { ApiError } from '../../api/client'
import { Badge, Facts, Panel, Role, Time } from '../../components/basics'
import { Section } from '../../components/Drawer'
import { Answer } from '../../components/states'
import { arnAccount, count, items } from '../../format'
import { useCarry } from '../../state/url'
import { HOP_LIMIT } from '../../terms'
import { who } from '../fallbacks/fallback'
import { Breaking } from './Breaking'
import { placeOf } from './commands'
import { Gaps } from './Gaps'
import { closedOf, gaps, keyOf, length, nodegroups, options, regionOf, sentence, split, verdict, whatBreaks, type Fallback, type Node, type NodeRole } from './readiness'
import { Ways } from './Ways'

/** A node role: the verdict, what it rests on, and what to do. */
export function NodeRoleCard({
  row,
  nodes,
  fallbacks,
  rowsOf,
}: {
  row: NodeRole
  nodes: readonly Node[]
  fallbacks: UseQueryResult<unknown, ApiError>
  rowsOf: ReadonlyMap<string, Fallback[]>
}) {
  const { breaking, keeping } = split(rowsOf.get(keyOf(row)) ?? [])
  const judged = verdict(row)
  const term = HOP_LIMIT[judged]
  return (
    <Panel
      title={<Role arn={row.role_arn} />}
      note={`${row.cluster ?? 'cluster unknown'} · account ${arnAccount(row.role_arn) ?? 'unknown'}`}
      tools={
        <Badge tone={term?.tone ?? 'mute'} title={term?.meaning ?? ''}>
          {term?.name ?? judged}
        </Badge>
      }
      className={`rd-card rd-${judged}`}
    >
      <div className="rd-body">
        <p className="rd-sentence">{sentence(row, row.running_instances !== 0 && closedOf(nodes) === row.running_instances)}</p>
        <div className="rd-halves">
          <Section title="What it rests on">
            <Observed row={row} nodes={nodes} keeping={keeping} />
          </Section>
          <Section title="What was not observed">
            <NotObserved row={row} />
          </Section>
        </div>
        {judged === 'breaks' && (
          <Section title="Workloads that would break">
            {fallbacks.data === undefined && <p>{row.breaks}</p>}
            <Answer query={fallbacks}>{() => <Breaking row={row} rows={breaking} />}</Answer>
          </Section>
        )}
        <ToDo row={row} region={regionOf(nodes)} />
      </div>
    </Panel>
  )
}

function Observed({ row, nodes, keeping }: { row: NodeRole; nodes: readonly Node[]; keeping: readonly Fallback[] }) {
  const seconds = row.observed_from === null || row.observed_to === null ? null : (Date.parse(row.observed_to) - Date.parse(row.observed_from)) / 1000
  const groups = nodegroups(row)
  return (
    <Facts
      facts={[
        ['Node groups', groups.length === 0 ? <span className="soft">none known</span> : groups.join(', ')],
        ['Running instances', <Instances key="instances" row={row} nodes={nodes} />],
        [
          'Observed',
          seconds === null ? (
            <span className="soft">nothing</span>
          ) : (
            <>
              {length(seconds)}: <Time value={row.observed_from} /> to <Time value={row.observed_to} /> UTC
            </>
          ),
        ],
        ['Calls of pod or node', row.unknown_calls === 0 ? 'none' : `${count(row.unknown_calls)} that may be either’s`],
        ['On the host network', <Keeping key="keeping" row={row} rows={keeping} />],
      ]}
    />
  )
}

/** How many run, and with which options: from the nodes where they are known. */
function Instances({ row, nodes }: { row: NodeRole; nodes: readonly Node[] }) {
  const list = options(nodes)
  const closed = closedOf(nodes) ?? row.closed_instances ?? 0
  return (
    <>
      {count(row.running_instances)}, {closed === 0 ? 'none' : count(closed)} closed already
      {list.map((one) => (
        <p key={`${one.hop_limit} ${one.http_tokens}`} className="soft small">
          {count(one.instances)} with{' '}
          {one.hop_limit === null ? 'metadata options that were not seen' : `hop limit ${one.hop_limit}, tokens ${one.http_tokens ?? 'unknown'}`}
        </p>
      ))}
    </>
  )
}

/** Pods on the host network answer to no hop limit. */
function Keeping({ row, rows }: { row: NodeRole; rows: readonly Fallback[] }) {
  const to = useCarry()
  const names = items(row.host_network_workloads)
  if (names.length === 0) {
    return 'none seen'
  }
  return (
    <>
      {rows.length === 0
        ? names.join(', ')
        : rows.map((one, index) => (
            <span key={one.id}>
              {index > 0 && ', '}
              <Link to={to('/fallbacks', { cluster: one.cluster, open: one.id, from: null, to: null })}>{who(one).name}</Link>
            </span>
          ))}
      <p className="soft small">They keep the role at any hop limit: give them roles of their own.</p>
    </>
  )
}

function NotObserved({ row }: { row: NodeRole }) {
  const list = gaps(row)
  return list.length === 0 ? (
    <p className="soft">Nothing is missing: inventory, a week of trail and data events are there, and every call is explained.</p>
  ) : (
    <Gaps list={list} />
  )
}

function ToDo({ row, region }: { row: NodeRole; region: string | null }) {
  const to = useCarry()
  const place = placeOf(row.cluster)
  const target = { cluster: place.cluster, region: place.region ?? region, role_arn: row.role_arn, nodegroups: nodegroups(row) }
  const ways = <Ways target={target} cluster={row.cluster} />
  switch (verdict(row)) {
    case 'safe':
      return <Section title="What to run">{ways}</Section>
    case 'breaks':
      return (
        <Section title="What to do">
          <p>
            <Link className="button primary" to={to('/fallbacks', { cluster: row.cluster, role_arn: row.role_arn, from: null, to: null })}>
              Fix {whatBreaks([row]).isOne ? 'this workload' : 'them'} first
            </Link>
          </p>
          <details className="rd-later">
            <summary>Commands for when they are fixed</summary>
            {ways}
          </details>
        </Section>
      )
    default:
      return (
        <Section title="What to do to know">
          <p>Close the gaps above and come back: then the role is safe, or the workloads that would break are named. In a hurry, switch one instance and watch its pods.</p>
          <details className="rd-later">
            <summary>Commands for one instance, or for all of them</summary>
            {ways}
          </details>
        </Section>
      )
  }
}
