// Calls that were refused, and who made them.
import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import { useApi } from '../../api/queries'
import { AccessPath, Confidence, EventLink, Panel, ServiceAccount } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { service } from '../../format'
import { FILTERS, useCarry, useFilters, useUrlValue } from '../../state/url'
import { ACTORS, confidenceOf, term, UNKNOWN_POD } from '../../terms'
import { roleColumn } from './parts'
import { matches } from './uses'

/** A row of the report on refused calls. */
interface Refusal {
  cluster: string | null
  namespace: string | null
  service_account: string | null
  pod: string | null
  access_path: string | null
  actor: string | null
  component: string | null
  role_arn: string | null
  event_source: string
  event_name: string
  error_code: string | null
  confidence: string | null
  calls: number
  first_seen: string | null
  last_seen: string | null
  event_id: string | null
}

const COLUMNS: Column<Refusal>[] = [
  {
    id: 'service_account',
    header: 'Who',
    value: (row) => (row.service_account === null ? (row.component ?? row.actor) : `${row.namespace ?? ''}/${row.service_account}`),
    cell: (row) => <Caller row={row} />,
    wrap: 150,
    below: [
      { id: 'pod', header: 'Pod', value: (row) => row.pod },
      { id: 'cluster', header: 'Cluster', value: (row) => row.cluster },
    ],
  },
  {
    id: 'action',
    header: 'Action',
    value: (row) => `${service(row.event_source)}:${row.event_name}`,
    cell: (row) => <span className="mono">{`${service(row.event_source)}:${row.event_name}`}</span>,
    wrap: 150,
    below: [{ id: 'error_code', header: 'Error', value: (row) => row.error_code, cell: (row) => <span className="mono">{row.error_code ?? '–'}</span> }],
  },
  { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true },
  roleColumn('role_arn', 'Role', (row) => row.role_arn, {
    below: [
      {
        id: 'access_path',
        header: 'Access path',
        value: (row) => row.access_path,
        cell: (row) => <AccessPath value={row.access_path} actor={row.access_path === 'node_role' ? row.actor : undefined} />,
      },
    ],
  }),
  seenColumn(),
  { id: 'confidence', header: 'Confidence', value: confidenceOf, cell: (row) => <Confidence value={confidenceOf(row)} /> },
  {
    id: 'event_id',
    header: 'Example',
    value: (row) => row.event_id,
    cell: (row) => <EventLink id={row.event_id}>{row.event_id?.slice(0, 8)}…</EventLink>,
    meaning: 'One of the events: its story',
  },
]

function Caller({ row }: { row: Refusal }) {
  if (row.service_account !== null) {
    return <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={row.service_account} />
  }
  return <span className="soft">{row.component ?? (row.actor === 'workload' ? UNKNOWN_POD : `${term(ACTORS, row.actor)}, not known which`)}</span>
}

const refusalKey = (row: Refusal) =>
  JSON.stringify([
    row.cluster,
    row.namespace,
    row.service_account,
    row.pod,
    row.access_path,
    row.actor,
    row.component,
    row.role_arn,
    row.event_source,
    row.event_name,
    row.error_code,
    row.confidence,
  ])

/** The report takes every filter that lists share. */
const TAKES = ['from', 'to', ...FILTERS] as const

export function DeniedCalls() {
  const query = useFilters(TAKES)
  const [looked] = useUrlValue('q')
  const navigate = useNavigate()
  const to = useCarry()
  const report = useApi('/api/v1/reports/{name}', { path: { name: 'denied' }, query })
  const rows = useMemo(
    () =>
      ((report.data?.items ?? []) as unknown as Refusal[]).filter((row) =>
        matches(looked, [
          row.cluster,
          `${row.namespace ?? ''}/${row.service_account ?? ''}`,
          row.pod,
          row.role_arn,
          `${service(row.event_source)}:${row.event_name}`,
          row.error_code,
          row.component,
        ]),
      ),
    [report.data, looked],
  )
  return (
    <Panel
      title="Denied calls"
      note="Refused for lack of permission, and refused exchanges of a service account’s token. Grant what is needed (tab Policy of the workload), or stop what calls."
      flush
    >
      <Answer query={report}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No call was denied." />
          ) : (
            <DataTable
              label="Table of denied calls"
              rows={rows}
              columns={COLUMNS}
              rowKey={refusalKey}
              onOpen={(row) => void navigate(to('/explain', { id: row.event_id }))}
              defaultSort="calls.desc"
              sortParameter="sort_denied"
            />
          )
        }
      </Answer>
    </Panel>
  )
}
