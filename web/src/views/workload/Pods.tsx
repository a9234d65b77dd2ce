// The pods of a workload over time, and what credentials they were given.
import { useMemo, useState } from 'react'
import type { Schemas } from '../../api/client'
import { AccessPath, Badge, NodeLink, Panel, Time } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { counted } from '../../format'
import { useUrlValues } from '../../state/url'
import { utcTime } from '../../state/time'
import { ACCESS_PATHS, term } from '../../terms'
import { roleColumn } from '../workloads/parts'
import { moment } from '../overview/timeline'
import { MOST_PODS, strip, type Bar, type Strip } from './pods'

type Pod = Schemas['WorkloadPod']

function injectedName(value: string | null): string {
  return value === null ? 'not known' : value === 'none' ? 'None injected' : term(ACCESS_PATHS, value)
}

const COLUMNS: Column<Pod>[] = [
  {
    id: 'pod',
    header: 'Pod',
    value: (row) => row.pod,
    cell: (row) => <span className="mono">{row.pod}</span>,
    wrap: 170,
    below: [{ id: 'workload', header: 'Controller', value: (row) => row.workload }],
  },
  timeColumn('valid_from', 'There from', (row) => row.valid_from, {
    below: [
      timeColumn('valid_to', 'Gone by', (row) => row.valid_to, {
        cell: (row) => (row.valid_to === null ? 'still there' : <Time value={row.valid_to} />),
        meaning: 'The first look at the inventory that did not show it, or its own end',
      }),
    ],
  }),
  timeColumn('observed_at', 'Last seen', (row) => row.observed_at, { meaning: 'The last look at the inventory that showed it' }),
  {
    id: 'injected',
    header: 'Credentials injected',
    value: (row) => row.injected,
    cell: (row) => <Injected value={row.injected} />,
    wrap: 110,
    meaning: 'By the EKS webhook into the pod’s environment: IRSA, EKS Pod Identity, or none, which leaves the node role',
  },
  roleColumn('injected_role_arn', 'Role injected', (row) => row.injected_role_arn),
  {
    id: 'instance_id',
    header: 'Node',
    value: (row) => row.instance_id,
    cell: (row) => <NodeLink node={row.instance_id} />,
    wrap: 150,
    below: [{ id: 'node', header: 'Node name', value: (row) => row.node }],
  },
  {
    id: 'pod_ip',
    header: 'Address',
    value: (row) => row.pod_ip,
    cell: (row) => <span className="mono">{row.pod_ip ?? '–'}</span>,
    below: [
      {
        id: 'host_network',
        header: 'Host network',
        value: (row) => row.host_network,
        cell: (row) => (row.host_network === true ? <Badge tone="warn">host network</Badge> : 'own network'),
      },
    ],
  },
]

function Injected({ value }: { value: string | null }) {
  return value === null || value === 'none' ? (
    <span className={value === 'none' ? 'nowrap' : 'soft nowrap'}>{injectedName(value)}</span>
  ) : (
    <AccessPath value={value} />
  )
}

export function Pods({ pods, truncated }: { pods: readonly Pod[]; truncated: boolean }) {
  const [params] = useUrlValues()
  const from = params.get('from') ?? undefined
  const to = params.get('to') ?? undefined
  const [now] = useState(Date.now)
  const shown = useMemo(() => strip(pods, moment(from, 'from', now), moment(to, 'to', now)), [pods, from, to, now])
  if (pods.length === 0) {
    return (
      <Panel title="Pods">
        <Empty title="No pod of it is known in this time range.">
          <p>
            Pods are known from imported inventories: <code>podtrail inventory collect</code>, or <code>podtrail inventory import</code>.
          </p>
        </Empty>
      </Panel>
    )
  }
  return (
    <>
      {shown !== null && <Gantt strip={shown} all={pods.length} />}
      <Panel title="All pods" flush>
        <DataTable
          label="Pods"
          rows={pods}
          columns={COLUMNS}
          rowKey={(row) => JSON.stringify([row.pod_uid, row.pod, row.valid_from])}
          defaultSort="valid_from.desc"
          sortParameter="sort_pods"
          note={truncated ? 'only the first 10,000: narrow the time range' : undefined}
        />
      </Panel>
    </>
  )
}

function Gantt({ strip: shown, all }: { strip: Strip; all: number }) {
  const number = shown.groups.reduce((total, group) => total + group.bars.length, 0)
  return (
    <Panel
      title="Pods over time"
      note={`${number < all ? `The ${MOST_PODS} that began last, of ${all.toLocaleString('en-GB')}. ` : ''}A pod is certain up to the last look that showed it; the pale end is the time until the look that did not.`}
      tools={<InjectedLegend />}
    >
      <div className="gantt" role="group" aria-label={`${counted(number, 'pod')} over time; the table below has the same`}>
        <Axis strip={shown} />
        {shown.groups.map((group) => (
          <div key={group.name} className="gantt-group">
            <h3>
              {group.name} <span className="soft">· {counted(group.bars.length, 'pod')}</span>
            </h3>
            {group.bars.map((bar) => (
              <Row key={`${bar.pod.pod_uid ?? bar.pod.pod}${bar.pod.valid_from}`} bar={bar} strip={shown} />
            ))}
          </div>
        ))}
      </div>
    </Panel>
  )
}

/** Labels that begin behind this share of the axis would be cut off. */
const LAST_LABEL = 0.84

const percent = (share: number) => `${(share * 100).toFixed(2)}%`

function Axis({ strip: shown }: { strip: Strip }) {
  return (
    <div className="gantt-row gantt-axis" aria-hidden="true">
      <span className="soft small">UTC</span>
      <span className="gantt-track">
        {shown.ticks.map((tick) => (
          <span key={tick.time} className="tick" style={{ left: percent(tick.at) }}>
            {tick.at < LAST_LABEL && utcTime(tick.time).slice(5, 16)}
          </span>
        ))}
      </span>
      <span />
    </div>
  )
}

function Row({ bar, strip: shown }: { bar: Bar; strip: Strip }) {
  const { pod } = bar
  const end = pod.valid_to === null ? `still there at ${utcTime(pod.observed_at ?? shown.end)}` : `gone by ${utcTime(pod.valid_to)}`
  const text = `${pod.pod}: from ${utcTime(pod.valid_from ?? shown.begin)}, ${end} UTC, ${injectedName(pod.injected)}, node ${pod.node ?? pod.instance_id ?? 'not known'}`
  return (
    <div className="gantt-row">
      <span className="gantt-name mono" title={pod.pod ?? ''}>
        {pod.pod}
      </span>
      <span className="gantt-track" role="img" aria-label={text} title={text}>
        {shown.ticks.map((tick) => (
          <span key={tick.time} className="grid-line" style={{ left: percent(tick.at) }} />
        ))}
        <span
          className={`bar injected-${pod.injected ?? 'unknown'}`}
          style={{ left: percent(bar.from), width: percent(Math.max(bar.seen - bar.from, 0.003)) }}
        />
        {bar.to > bar.seen && (
          <span
            className={`bar pale injected-${pod.injected ?? 'unknown'}`}
            style={{ left: percent(bar.seen), width: percent(bar.to - bar.seen) }}
          />
        )}
      </span>
      <span className="gantt-injected soft small">
        {injectedName(pod.injected)}
        {pod.host_network === true && ', host network'}
      </span>
    </div>
  )
}

function InjectedLegend() {
  return (
    <ul className="legend" aria-label="Credentials injected">
      {['irsa', 'pod_identity', 'none'].map((value) => (
        <li key={value}>
          <span className={`dot injected-${value}`} aria-hidden="true" />
          {injectedName(value)}
        </li>
      ))}
    </ul>
  )
}
