// Cluster → service account → role → service.
import { useCallback, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { Chart, Legend, linked } from '../../components/Chart'
import { Panel, workloadPath } from '../../components/basics'
import { Empty } from '../../components/states'
import { arnName, count, counted, service, share } from '../../format'
import { useNarrow } from '../../state/narrow'
import { useCarry, useHere } from '../../state/url'
import { ACCESS_PATHS, PATH_SERIES_COLOUR, PATH_SERIES, pathSeries, term, type PathSeries } from '../../terms'
import { flowOf, KINDS_OF_NODE, seriesName, targetsOf, type Flow, type FlowLink, type FlowNode, type FlowRow, type Target } from './flow'
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
  const link = useLink()
  const navigate = useNavigate()
  const open = useCallback(
    (item: { name: string; dataType?: string }) => {
      const address = link(item.dataType === 'edge' ? null : (flow.nodes.find((node) => node.name === item.name)?.target ?? null))
      if (address !== null) {
        void navigate(address, { preventScrollReset: true })
      }
    },
    [flow, link, navigate],
  )
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
            rows: rows.map((row) => {
              const targets = targetsOf(row)
              return [
                linked(row.cluster ?? 'not known', link(targets.cluster)),
                linked(row.namespace === null || row.service_account === null ? 'not known' : `${row.namespace}/${row.service_account}`, link(targets.account)),
                term(ACCESS_PATHS, row.access_path),
                linked(arnName(row.role_arn), link(targets.role)),
                linked(service(row.event_source), link(targets.service)),
                row.calls,
                row.denied,
              ]
            }),
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

/** Where a name of the diagram leads: a workload to its page, what else it is to the same page with only that. */
function useLink(): (target: Target | null) => string | null {
  const to = useCarry()
  const here = useHere()
  return useCallback(
    (target) => {
      switch (target?.kind) {
        case 'cluster':
          return here({ cluster: target.cluster })
        case 'account':
          return to(workloadPath(target.cluster, target.namespace, target.serviceAccount))
        case 'role':
          return here({ role_arn: target.roleArn })
        case 'service':
          return here({ event_source: target.eventSource })
        default:
          return null
      }
    },
    [here, to],
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
