import { useMemo, type ReactNode } from 'react'
import type { Schemas } from '../../api/client'
import { MOST_ROWS, useApi } from '../../api/queries'
import { NodeLink } from '../../components/basics'
import { Chart, Legend } from '../../components/Chart'
import { Section } from '../../components/Drawer'
import { Answer } from '../../components/states'
import { count, words } from '../../format'
import { utcTime } from '../../state/time'
import { useFilters } from '../../state/url'
import { PATH_SERIES_NAMES } from '../../terms'
import { podId, userAgents, type Fallback } from './fallback'
import { hoursByPath, timelineOption } from './timeline'
import { Pod } from './Why'

/** When, what, where from. */
export function Calls({ row }: { row: Fallback }) {
  const actions = words(row.actions)
  const nodes = words(row.nodes)
  const pods = words(row.pods)
  const agents = userAgents(row)
  return (
    <div className="fb-tab">
      <Section title="Calls per hour">
        <Timeline row={row} />
      </Section>
      <Section title={`Actions (${count(actions.length)})`}>
        <Items list={actions} render={(action) => <code>{action}</code>} />
      </Section>
      <Section title={`Nodes (${count(nodes.length)})`}>
        <Items list={nodes} render={(node) => <NodeLink node={node} />} />
      </Section>
      {pods.length > 0 && (
        <Section title={row.workload === null ? `Pods that may be meant (${count(pods.length)})` : `Pods (${count(pods.length)})`}>
          <Items list={pods} render={(pod) => <Pod id={podId(row.cluster, row.namespace, row.service_account, pod)} name={pod} />} />
        </Section>
      )}
      <Section title={`User agents (${count(agents.length)})`}>
        <Items list={agents} render={(agent) => <code>{agent}</code>} />
      </Section>
    </div>
  )
}

/** Items shown at once; the others open below them. */
const FEW = 24

function Items({ list, render }: { list: readonly string[]; render: (one: string) => ReactNode }) {
  if (list.length === 0) {
    return <p className="soft">None is known.</p>
  }
  const rest = list.slice(FEW)
  return (
    <>
      <ul className="fb-items">
        {list.slice(0, FEW).map((one) => (
          <li key={one}>{render(one)}</li>
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>{count(rest.length)} more</summary>
          <ul className="fb-items">
            {rest.map((one) => (
              <li key={one}>{render(one)}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function Timeline({ row }: { row: Fallback }) {
  const { cluster, namespace, service_account } = row
  return cluster === null || namespace === null || service_account === null ? (
    <p className="soft">No timeline can be drawn of a pod that is not known: calls are counted by service account, and these have none.</p>
  ) : (
    <AccountTimeline cluster={cluster} namespace={namespace} account={service_account} />
  )
}

function AccountTimeline({ cluster, namespace, account }: { cluster: string; namespace: string; account: string }) {
  const times = useFilters(['from', 'to'])
  const timeline = useApi('/api/v1/timeline', { query: { ...times, cluster, namespace, service_account: account, limit: MOST_ROWS } })
  return (
    <Answer query={timeline}>
      {(data) => (
        <div className="section">
          <p className="soft small">
            All calls of service account {namespace}/{account}, whichever workload made them. Once the fix works, none is by the node role.
          </p>
          {data.items.length === 0 ? <p className="soft">No calls in this time range.</p> : <TimelineChart rows={data.items} />}
        </div>
      )}
    </Answer>
  )
}

function TimelineChart({ rows }: { rows: readonly Schemas['TimelineRow'][] }) {
  const hours = useMemo(() => hoursByPath(rows), [rows])
  const option = useMemo(() => timelineOption(hours), [hours])
  const names = hours.series.map((series) => ({ name: PATH_SERIES_NAMES[series.name], swatch: series.name }))
  const figures = {
    header: ['Hour (UTC)', ...names.map((series) => series.name)],
    rows: hours.hours.map((hour, at) => [utcTime(hour), ...hours.series.map((series) => series.calls[at] ?? 0)]),
  }
  return <Chart label="Calls per hour by access path" option={option} figures={figures} height={220} legend={<Legend series={names} />} />
}
