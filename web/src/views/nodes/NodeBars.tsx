// Calls with the node's role, of the busiest nodes, by who made them.
import { useCallback, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { categoryAxis, valueAxis } from '../../components/axes'
import { Panel } from '../../components/basics'
import { Chart, Legend, linked } from '../../components/Chart'
import { count, counted } from '../../format'
import { useCarry } from '../../state/url'
import { busiest, type NodeRow } from './nodes'

const MOST = 30
const ROW = 17
const AXIS = 46

const SERIES = [
  { key: 'workloads', name: 'Workloads (fallback)', swatch: 'node_role-workload', colour: '--path-node-workload' },
  { key: 'unknown', name: 'Unknown: a pod’s or a node agent’s', swatch: 'node_role-unknown', colour: '--path-node-unknown' },
  { key: 'agents', name: 'Node agents', swatch: 'node_role-node_agent', colour: '--path-node-agent' },
] as const

export function NodeBars({ rows }: { rows: readonly NodeRow[] }) {
  const navigate = useNavigate()
  const to = useCarry()
  const pageOf = (node: string) => to(`/nodes/${encodeURIComponent(node)}`)
  const nodes = useMemo(() => busiest(rows, MOST), [rows])
  const option = useCallback(
    (colour: (variable: string) => string) => ({
      grid: { left: 4, right: 20, top: 26, bottom: 4, containLabel: true },
      tooltip: {
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (items: { dataIndex: number }[]) => barText(nodes[items[0]?.dataIndex ?? -1]),
      },
      xAxis: { ...valueAxis(colour, ''), position: 'top', minInterval: 1, splitNumber: 4 },
      yAxis: {
        ...categoryAxis(
          colour,
          nodes.map((node) => node.node),
        ),
        inverse: true,
        axisLabel: { color: colour('--text-soft'), fontSize: 11, interval: 0 },
      },
      series: SERIES.map((series) => ({
        type: 'bar',
        stack: 'calls',
        name: series.name,
        barWidth: 11,
        itemStyle: { color: colour(series.colour) },
        data: nodes.map((node) => node[series.key]),
      })),
    }),
    [nodes],
  )
  if (nodes.length === 0) {
    return null
  }
  return (
    <Panel
      title="Calls with the role of the node"
      note={`Of ${nodes.length === 1 ? 'the node' : `the ${count(nodes.length)} nodes`} with most calls. Calls of workloads are those that would fail with hop limit 1, unless the pod is on the host’s network.`}
    >
      <Chart
        label="Calls per node, by who made them"
        option={option}
        height={AXIS + nodes.length * ROW}
        onClick={(item) => void navigate(pageOf(item.name))}
        legend={<Legend series={SERIES} />}
        figures={{
          header: ['Node', 'Name', 'Cluster', 'Workloads', 'Unknown', 'Node agents', 'Calls'],
          rows: nodes.map((node) => [linked(node.node, pageOf(node.node)), node.name, node.cluster, node.workloads, node.unknown, node.agents, node.calls]),
        }}
      />
    </Panel>
  )
}

function barText(node: ReturnType<typeof busiest>[number] | undefined): string {
  return node === undefined
    ? ''
    : [
        `${node.node}${node.cluster === null ? '' : ` · ${node.cluster}`}`,
        ...(node.name === null ? [] : [node.name]),
        `${counted(node.workloads, 'call')} of workloads`,
        `${counted(node.unknown, 'call')} unknown`,
        `${counted(node.agents, 'call')} of node agents`,
      ].join('\n')
}
