// One instance: what it is, which pods were on it when, who used its role.
import { Link, useParams } from 'react-router'
import type { Schemas } from '../api/client'
import { useApi } from '../api/queries'
import { CopyButton, Facts, PageHead, Panel, Role, Tile, Time } from '../components/basics'
import { Answer } from '../components/states'
import { count, share } from '../format'
import { useCarry, useFilters } from '../state/url'
import { Callers } from './nodes/Callers'
import { History } from './nodes/History'
import type { NodePod } from './nodes/stays'
import { nodeFigures, type NodeRow } from './nodes/nodes'
import './nodes/nodes.css'
import { Agent, HopLimit, HttpTokens } from './nodes/parts'
import { PodTable } from './nodes/PodTable'

const NO_HOURS: Schemas['NodeHour'][] = []

export default function Node() {
  const { node = '' } = useParams()
  const to = useCarry()
  const query = useApi('/api/v1/nodes/{instance}', { path: { instance: node }, query: useFilters(['from', 'to']) })
  return (
    <>
      <PageHead
        title={<span className="mono-title">{node}</span>}
        lead={
          <>
            <Link to={to('/nodes')}>Nodes</Link> · which pods were here, and who used the role of this node.
          </>
        }
        tools={<CopyButton text={node} label="Copy id" className="button" />}
      />
      {query.error?.status === 404 ? (
        <Unknown node={node} />
      ) : (
        <Answer query={query} lines={10}>
          {(data) => (
            <div className="nodes-page">
              <Tiles rows={data.roles} />
              <NodeFacts rows={data.roles} pods={data.pods} />
              <History pods={data.pods} hours={data.hours ?? NO_HOURS} actions={data.actions} />
              <Callers actions={data.actions} truncated={data.truncated.includes('actions')} />
              <PodTable pods={data.pods} truncated={data.truncated.includes('pods')} />
            </div>
          )}
        </Answer>
      )}
    </>
  )
}

function Tiles({ rows }: { rows: readonly NodeRow[] }) {
  const sum = (value: (row: NodeRow) => number | null) => rows.reduce((total, row) => total + (value(row) ?? 0), 0)
  const { calls, fallbackCalls } = nodeFigures(rows)
  const unknown = sum((row) => row.unknown_calls)
  const agents = sum((row) => row.node_agent_calls)
  return (
    <div className="tiles">
      <Tile name="Calls with the node’s role" figure={count(calls)} />
      <Tile name="Of workloads (fallback)" figure={count(fallbackCalls)} note={share(fallbackCalls, calls)} tone={fallbackCalls > 0 ? 'bad' : 'good'} />
      <Tile name="Unknown" figure={count(unknown)} note={`a pod’s or a node agent’s: ${share(unknown, calls)}`} {...(unknown > 0 ? { tone: 'warn' as const } : {})} />
      <Tile name="Of node agents" figure={count(agents)} note={share(agents, calls)} />
    </div>
  )
}

function NodeFacts({ rows, pods }: { rows: readonly NodeRow[]; pods: readonly NodePod[] }) {
  const row = rows[0]
  const starts = [...rows.map((one) => one.first_seen), ...pods.map((pod) => pod.valid_from)].filter((time) => time !== null).toSorted()
  const unknown = <span className="soft">not known</span>
  return (
    <Panel title="The instance">
      <div className="node-facts">
        <Facts
          facts={[
            ['Name', row?.node_name ?? pods[0]?.node_name ?? unknown],
            ['Cluster', row?.cluster ?? pods[0]?.cluster ?? unknown],
            ['Node group', row?.nodegroup ?? unknown],
            ['Role', <Roles key="role" rows={rows} />],
          ]}
        />
        <Facts
          facts={[
            ['Hop limit', <HopLimit key="hop" value={row?.hop_limit ?? null} />],
            ['IMDS tokens', <HttpTokens key="tokens" value={row?.http_tokens ?? null} />],
            ['Pod Identity Agent', <Agent key="agent" seen={rows.some((one) => one.pod_identity_agent)} />],
            [
              'Seen, UTC',
              <span key="seen">
                <Time value={starts[0]} /> to {row?.valid_to === null || row === undefined ? 'now: not seen to end' : <Time value={row.valid_to} />}
              </span>,
            ],
          ]}
        />
      </div>
    </Panel>
  )
}

function Roles({ rows }: { rows: readonly NodeRow[] }) {
  return rows.every((row) => row.role_arn === null) ? (
    <span className="soft">no call with its role in this time range</span>
  ) : (
    <>
      {rows.map((row) => (
        <div key={row.role_arn}>
          <Role arn={row.role_arn} />
        </div>
      ))}
    </>
  )
}

function Unknown({ node }: { node: string }) {
  const to = useCarry()
  const instance = /^m?i-[0-9a-f]+$/.test(node)
  return (
    <Panel title="Nothing is known of this node">
      <div className="section">
        <p>Neither a call with its role nor a pod on it is in the store, in this time range.</p>
        <ul>
          {!instance && (
            <li>
              Nodes are found by their instance id, such as <code>i-0123456789abcdef0</code>. <Link to={to('/nodes', { q: node })}>Look for “{node}” among the nodes.</Link>
            </li>
          )}
          <li>Choose a wider time range above.</li>
          <li>An instance that no inventory and no call ties to a cluster is a plain EC2 instance: podtrail leaves those out.</li>
        </ul>
        <div>
          <Link className="button" to={to('/nodes')}>
            All nodes
          </Link>
        </div>
      </div>
    </Panel>
  )
}
