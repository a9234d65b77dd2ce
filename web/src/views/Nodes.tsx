// Nodes, their metadata options, and who used their role.
import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import { MOST_ROWS, useApi } from '../api/queries'
import { NodeLink, PageHead, Panel, Role, Tile, Time } from '../components/basics'
import { firstColumn, timeColumn } from '../components/columns'
import { DataTable, type Column } from '../components/DataTable'
import { FilterBar, Select, TextFilter, Toggle, valuesOf } from '../components/Filters'
import { Answer, Empty } from '../components/states'
import { arnName, count, counted, share } from '../format'
import { useCarry, useFilters, useUrlValues } from '../state/url'
import { NodeBars } from './nodes/NodeBars'
import { filterNodes, nodeFigures, nodeKey, type NodeRow } from './nodes/nodes'
import './nodes/nodes.css'
import { Agent, HopLimit, HttpTokens } from './nodes/parts'
import { middle } from './roles/flow'

const NO_NODES: readonly NodeRow[] = []

export default function Nodes() {
  const [params] = useUrlValues()
  const to = useCarry()
  const navigate = useNavigate()
  const query = useApi('/api/v1/nodes', { query: { ...useFilters(['from', 'to', 'cluster', 'role_arn']), limit: MOST_ROWS } })
  const rows = query.data?.items ?? NO_NODES
  const nodegroup = params.get('nodegroup')
  const fallbacks = params.has('fallbacks')
  const q = params.get('q')
  const shown = useMemo(() => filterNodes(rows, { nodegroup, fallbacks, q }), [rows, nodegroup, fallbacks, q])
  return (
    <>
      <PageHead title="Nodes" lead="Which instances your clusters run on, whether pods reach their metadata service, and who used their role." />
      <FilterBar>
        <Select name="nodegroup" label="Node group" options={valuesOf(rows, (row) => row.nodegroup)} />
        <Select name="role_arn" label="Role" options={valuesOf(rows, (row) => row.role_arn).map(({ value }) => ({ value, name: middle(arnName(value), 36) }))} />
        <Toggle name="fallbacks" label="With fallback calls" title="Nodes whose role a workload used" />
        <TextFilter label="Find" placeholder="instance, name, role" />
      </FilterBar>
      <Answer query={query} lines={8}>
        {(data) =>
          shown.length === 0 ? (
            <Panel title="No node to show">
              <NoNodes filtered={rows.length > 0} />
            </Panel>
          ) : (
            <div className="nodes-page">
              <Tiles rows={shown} />
              <NodeBars rows={shown} />
              <Panel title="Nodes" note="One row for each node and role that it used. A row opens the node." flush>
                <DataTable
                  label="Nodes and who used their role"
                  rows={shown}
                  columns={COLUMNS}
                  rowKey={nodeKey}
                  onOpen={(row) => void navigate(to(`/nodes/${encodeURIComponent(row.node ?? '')}`))}
                  defaultSort="fallback_calls.desc"
                  note={data.next_token === null ? undefined : `only the first ${count(MOST_ROWS)}`}
                />
              </Panel>
            </div>
          )
        }
      </Answer>
    </>
  )
}

function Tiles({ rows }: { rows: readonly NodeRow[] }) {
  const figures = nodeFigures(rows)
  const unknown = figures.hopUnknown === 0 ? '' : `; of ${count(figures.hopUnknown)} it is unknown`
  const tokens = figures.tokensUnknown === 0 ? '' : `; of ${count(figures.tokensUnknown)} it is unknown`
  const hopTone = figures.open > 0 ? 'warn' : figures.hopUnknown > 0 ? 'mute' : 'good'
  return (
    <div className="tiles">
      <Tile name="Nodes" figure={count(figures.nodes)} note={`${count(figures.running)} not seen to end`} />
      <Tile
        name="With fallback calls"
        figure={count(figures.fallbacks)}
        note={`${counted(figures.fallbackCalls, 'call')} of workloads, ${share(figures.fallbackCalls, figures.calls)} of those with node roles`}
        tone={figures.fallbacks === 0 ? 'good' : 'bad'}
      />
      <Tile name="Hop limit 2 or more" figure={count(figures.open)} note={`${figures.open === 0 ? 'no node is known to be open' : 'every pod reaches the node’s role'}${unknown}`} tone={hopTone} />
      <Tile
        name="IMDSv1 answered"
        figure={count(figures.imdsV1)}
        note={`${figures.imdsV1 === 0 ? 'no node is known to answer it' : 'tokens are optional'}${tokens}`}
        tone={figures.imdsV1 > 0 ? 'warn' : figures.tokensUnknown > 0 ? 'mute' : 'good'}
      />
      <Tile
        name="Without Pod Identity Agent"
        figure={count(figures.noAgent)}
        note={figures.noAgent === 0 ? 'it was seen on every node' : 'not seen there: where it is missing, associations have no effect'}
        tone={figures.noAgent === 0 ? 'good' : 'warn'}
      />
    </div>
  )
}

function NoNodes({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty title="No node fits the filters.">
      <p className="soft">Clear the filters above.</p>
    </Empty>
  ) : (
    <Empty title="No node of a cluster is known.">
      <p className="soft">Nodes come from sessions of node roles in the trail, and from the inventory of clusters. Clusters on Fargate have none.</p>
    </Empty>
  )
}

function calls(id: 'calls' | 'node_agent_calls' | 'fallback_calls' | 'unknown_calls', header: string, meaning: string, className?: string): Column<NodeRow> {
  return {
    id,
    header,
    value: (row) => row[id],
    number: true,
    wrap: 58,
    meaning,
    cell: (row) => <span className={(row[id] ?? 0) > 0 ? className : 'soft'}>{count(row[id])}</span>,
  }
}

const COLUMNS: Column<NodeRow>[] = [
  {
    id: 'node',
    header: 'Node',
    value: (row) => row.node,
    cell: (row) => <NodeLink node={row.node} />,
    wrap: 150,
    meaning: 'Instance id',
    below: [{ id: 'node_name', header: 'Name', value: (row) => row.node_name, meaning: 'Name of the node in Kubernetes' }],
  },
  {
    id: 'role_arn',
    header: 'Role',
    value: (row) => row.role_arn,
    cell: (row) => <Role arn={row.role_arn} />,
    wrap: 100,
    below: [
      { id: 'cluster', header: 'Cluster', value: (row) => row.cluster },
      { id: 'nodegroup', header: 'Node group', value: (row) => row.nodegroup },
    ],
  },
  calls('fallback_calls', 'Fallback calls', 'Calls of workloads with the role of the node', 'calls-bad'),
  calls('unknown_calls', 'Unknown calls', 'Calls that may be a pod’s or a node agent’s', 'calls-unknown'),
  calls('node_agent_calls', 'Node agent calls', 'Calls of the node’s own: kubelet, CNI, image pulls and the like'),
  calls('calls', 'Calls', 'All calls with the role of the node'),
  timeColumn('last_seen', 'Last seen', (row) => row.last_seen, {
    meaning: 'Last call',
    below: [
      firstColumn('first_seen', 'First seen', (row) => row.first_seen, { meaning: 'First call' }),
      timeColumn('valid_to', 'Ended', (row) => row.valid_to, {
        cell: (row) => (row.valid_to === null ? 'not seen to end' : <Time value={row.valid_to} />),
        meaning: 'When the instance had gone',
      }),
    ],
  }),
  {
    id: 'hop_limit',
    header: 'Hop limit',
    value: (row) => row.hop_limit,
    cell: (row) => <HopLimit value={row.hop_limit} />,
    meaning: '1: closed to pods; 2 or more: open',
    below: [{ id: 'http_tokens', header: 'IMDS tokens', value: (row) => row.http_tokens, cell: (row) => <HttpTokens value={row.http_tokens} named />, meaning: 'required: IMDSv2 only' }],
  },
  { id: 'pod_identity_agent', header: 'Pod Identity Agent', value: (row) => row.pod_identity_agent, cell: (row) => <Agent seen={row.pod_identity_agent} />, wrap: 76 },
]
