import { useMemo, type ReactNode } from 'react'
import type { Schemas } from '../../api/client'
import { useApi } from '../../api/queries'
import { NodeLink } from '../../components/basics'
import { Chart, Legend } from '../../components/Chart'
import { Section } from '../../components/Drawer'
import { Answer } from '../../components/states'
import { count, words } from '../../format'
import { podId, userAgents, type Fallback } from './fallback'
import { callsByHour, timelineOption } from './timeline'
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
  const fallback = useApi('/api/v1/fallbacks/{id}', { path: { id: row.id } })
  return (
    <Answer query={fallback}>
      {(data) => (
        <div className="section">
          <p className="soft small">Calls with the node’s role in this row, of all time in the store. Once the fix works, there are no more.</p>
          {data.hours.length === 0 ? <p className="soft">No call has a time.</p> : <TimelineChart hours={data.hours} />}
        </div>
      )}
    </Answer>
  )
}

function TimelineChart({ hours }: { hours: readonly Schemas['FallbackHour'][] }) {
  const calls = useMemo(() => callsByHour(hours), [hours])
  const option = useMemo(() => timelineOption(calls), [calls])
  const series = [
    { name: 'Allowed', swatch: 'node_role-workload' },
    { name: 'Denied', swatch: 'node_role-unknown' },
  ]
  const figures = {
    header: ['Hour (UTC)', ...series.map(({ name }) => name)],
    rows: calls.map(({ hour, allowed, denied }) => [{ time: new Date(hour).toISOString() }, allowed, denied]),
  }
  return <Chart label="Calls per hour, allowed and denied" option={option} figures={figures} height={220} legend={<Legend series={series} />} />
}
