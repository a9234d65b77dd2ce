// Cluster → service account → role → service.
import { useCallback, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { Chart, Legend } from '../../components/Chart'
import { Panel, workloadPath } from '../../components/basics'
import { Empty } from '../../components/states'
import { arnName, count, counted, service, share } from '../../format'
import { useNarrow } from '../../state/narrow'
import { useCarry, useUrlValues } from '../../state/url'
import { ACCESS_PATHS, PATH_SERIES_COLOUR, PATH_SERIES, pathSeries, term, type PathSeries } from '../../terms'
import { flowOf, KINDS_OF_NODE, seriesName, type Flow, type FlowLink, type FlowNode, type FlowRow } from './flow'
import { FlowList } from './FlowList'

const NODE_GAP = 15
const NODE_ROOM = 12
const HEAD = 24
/** The four columns of names need more than this. */
const NARROW = 1199
const CALLS = 'Calls of workloads, by access path.'

export function FlowPanel({ rows, note }: { rows: readonly FlowRow[]; note?: string }) {
  const narrow = useNarrow(NARROW)
  const flow = useMemo(() => flowOf(rows), [rows])
  const option = useCallback((colour: (variable: string) => string) => sankey(flow, colour), [flow])
  const open = useOpenNode(flow)
  const series = useMemo(() => PATH_SERIES.filter((one) => rows.some((row) => pathSeries(row.access_path, 'workload') === one)), [rows])
  const tallest = Math.max(...KINDS_OF_NODE.map((_, depth) => flow.nodes.filter((node) => node.depth === depth).length))

  return (
    <Panel title="Who used which role for which service" note={[CALLS, ...(narrow || flow.nodes.length === 0 ? [] : [noteOf(flow)]), note].join(' ')}>
      {flow.nodes.length === 0 ? (
        <Empty title="No workload made a call with a role here.">
          <p>Calls of node agents and of the control plane are not in this chart; the table has them.</p>
        </Empty>
      ) : narrow ? (
        <FlowList rows={rows} />
      ) : (
        <Chart
          label="Calls from clusters through service accounts and roles to AWS services"
          option={option}
          height={Math.max(220, HEAD + tallest * (NODE_GAP + NODE_ROOM))}
          figures={{
            header: ['Cluster', 'Service account', 'Access path', 'Role', 'Service', 'Calls', 'Denied'],
            rows: rows.map((row) => [
              row.cluster,
              row.namespace === null || row.service_account === null ? 'not known' : `${row.namespace}/${row.service_account}`,
              term(ACCESS_PATHS, row.access_path),
              arnName(row.role_arn),
              service(row.event_source),
              row.calls,
              row.denied,
            ]),
          }}
          onClick={open}
          legend={<Legend series={series.map((one) => ({ name: seriesName(one), swatch: one }))} />}
        />
      )}
    </Panel>
  )
}

function noteOf(flow: Flow): string {
  const summed = [
    flow.others.account > 0 ? counted(flow.others.account, 'service account') : '',
    flow.others.role > 0 ? counted(flow.others.role, 'role') : '',
    flow.others.service > 0 ? counted(flow.others.service, 'service') : '',
    flow.others.cluster > 0 ? counted(flow.others.cluster, 'cluster') : '',
  ].filter((text) => text !== '')
  const left = summed.length === 0 ? '' : ` Those with fewest calls are summed as “other”: ${summed.join(', ')}; choose a cluster, role or service to see them.`
  return `Click a name to follow it.${left}`
}

function useOpenNode(flow: Flow): (item: { name: string; dataType?: string }) => void {
  const navigate = useNavigate()
  const to = useCarry()
  const [, set] = useUrlValues()
  return useCallback(
    (item) => {
      const target = item.dataType === 'edge' ? undefined : flow.nodes.find((node) => node.name === item.name)?.target
      switch (target?.kind) {
        case 'cluster':
          set({ cluster: target.cluster })
          break
        case 'account':
          void navigate(to(workloadPath(target.cluster, target.namespace, target.serviceAccount)))
          break
        case 'role':
          set({ role_arn: target.roleArn })
          break
        case 'service':
          set({ event_source: target.eventSource })
          break
        default:
      }
    },
    [flow, navigate, set, to],
  )
}

const HEADS = ['Cluster', 'Service account', 'Role', 'Service']

function sankey(flow: Flow, colour: (variable: string) => string) {
  const total = flow.nodes.filter((node) => node.depth === 0).reduce((sum, node) => sum + node.calls, 0)
  const byName = new Map(flow.nodes.map((node) => [node.name, node]))
  const ofPath = (series: PathSeries | null) => colour(series === null ? '--line-strong' : PATH_SERIES_COLOUR[series])
  return {
    tooltip: {
      formatter: ({ dataType, data }: { dataType?: string; data: FlowNode & FlowLink }) =>
        dataType === 'edge' ? linkText(data, byName) : nodeText(data, total),
    },
    series: [
      {
        type: 'sankey',
        left: 2,
        right: 150,
        top: HEAD,
        bottom: 8,
        nodeGap: NODE_GAP,
        nodeWidth: 10,
        draggable: false,
        emphasis: { focus: 'adjacency', label: { color: colour('--text') } },
        blur: { label: { opacity: 0.35 } },
        label: {
          color: colour('--text'),
          fontSize: 11,
          textBorderColor: colour('--panel'),
          textBorderWidth: 3,
          formatter: ({ data }: { data: FlowNode }) => data.label,
        },
        data: flow.nodes.map((node) => ({
          ...node,
          itemStyle: { color: node.depth === 2 ? ofPath(node.series) : colour('--line-strong'), borderColor: node.depth === 2 ? ofPath(node.series) : colour('--line-strong'), borderWidth: 1 },
          cursor: node.target === null ? 'default' : 'pointer',
        })),
        links: flow.links.map((link) => ({ ...link, lineStyle: { color: ofPath(link.series), opacity: 0.38, curveness: 0.5 } })),
      },
    ],
  }
}

function nodeText(node: FlowNode, total: number): string {
  const what = HEADS[node.depth] ?? ''
  return [node.title, `${what}: ${counted(node.calls, 'call')}, ${share(node.calls, total)} of all`, `${count(node.denied)} denied`].join('\n')
}

function linkText(link: FlowLink, nodes: Map<string, FlowNode>): string {
  const ends = `${nodes.get(link.source)?.label ?? ''} → ${nodes.get(link.target)?.label ?? ''}`
  const path = link.series === null ? 'access path not known' : seriesName(link.series)
  return [ends, path, `${counted(link.value, 'call')}, ${count(link.denied)} denied`].join('\n')
}
