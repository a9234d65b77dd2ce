// What a workload called, and what of it was refused.
import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import type { Schemas } from '../../api/client'
import { AccessPath, Confidence, EventLink, Panel } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { useCarry } from '../../state/url'
import { Denied, roleColumn } from '../workloads/parts'
import { actionName } from './heat'

type Action = Schemas['WorkloadAction']

const actionKey = (row: Action) => JSON.stringify([row.access_path, row.role_arn, row.event_source, row.event_name, row.error_code])

const ACTION: Column<Action> = {
  id: 'action',
  header: 'Action',
  value: actionName,
  cell: (row) => <span className="mono">{actionName(row)}</span>,
  wrap: 160,
  below: [
    {
      id: 'error_code',
      header: 'Error',
      value: (row) => row.error_code,
      cell: (row) => (row.error_code === null ? <span className="soft">no error</span> : <span className="mono">{row.error_code}</span>),
    },
  ],
}
const CALLS: Column<Action> = { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true }
const REST: Column<Action>[] = [
  roleColumn('role_arn', 'Role', (row) => row.role_arn),
  { id: 'access_path', header: 'Access path', value: (row) => row.access_path, cell: (row) => <AccessPath value={row.access_path} /> },
  seenColumn('call'),
  { id: 'confidence', header: 'Confidence', value: (row) => row.confidence, cell: (row) => <Confidence value={row.confidence} /> },
  {
    id: 'event_id',
    header: 'Example',
    value: (row) => row.event_id,
    cell: (row) => <EventLink id={row.event_id}>{row.event_id?.slice(0, 8)}…</EventLink>,
    meaning: 'One of the events: its story',
  },
]
const ALL_COLUMNS: Column<Action>[] = [
  ACTION,
  CALLS,
  { id: 'denied', header: 'Denied', value: (row) => row.denied, number: true, cell: (row) => <Denied value={row.denied ?? 0} /> },
  ...REST,
]
const ERROR_COLUMNS: Column<Action>[] = [ACTION, CALLS, ...REST]

function Table({
  label,
  rows,
  columns,
  sortParameter,
  truncated,
}: {
  label: string
  rows: readonly Action[]
  columns: readonly Column<Action>[]
  sortParameter: string
  truncated: boolean
}) {
  const navigate = useNavigate()
  const to = useCarry()
  return (
    <DataTable
      label={label}
      rows={rows}
      columns={columns}
      rowKey={actionKey}
      onOpen={(row) => void navigate(to('/explain', { id: row.event_id }))}
      defaultSort="calls.desc"
      sortParameter={sortParameter}
      note={truncated ? 'only the first 10,000: narrow the time range' : 'a row opens the story of one of its events'}
    />
  )
}

export function Actions({ actions, truncated }: { actions: readonly Action[]; truncated: boolean }) {
  return (
    <Panel title="All actions" note="One row an action, role and error." flush>
      {actions.length === 0 ? (
        <Empty title="No call of it is known in this time range." />
      ) : (
        <Table label="Actions" rows={actions} columns={ALL_COLUMNS} sortParameter="sort_actions" truncated={truncated} />
      )}
    </Panel>
  )
}

export function Refused({ actions, truncated }: { actions: readonly Action[]; truncated: boolean }) {
  const denied = useMemo(() => actions.filter((row) => (row.denied ?? 0) > 0), [actions])
  const failed = useMemo(() => actions.filter((row) => row.error_code !== null && (row.denied ?? 0) === 0), [actions])
  return (
    <>
      <Panel
        title="Denied calls"
        note={
          denied.some((row) => row.event_name === 'AssumeRoleWithWebIdentity')
            ? 'Refused for lack of permission. Where AssumeRoleWithWebIdentity is refused, the role’s trust policy has to name the service account; for the rest the tab Policy writes what to grant.'
            : 'Refused for lack of permission. Grant what the workload needs: the tab Policy writes it, with refused calls ticked. Or stop what calls.'
        }
        flush
      >
        {denied.length === 0 ? (
          <Empty title="No call of it was denied." />
        ) : (
          <Table label="Table of denied calls" rows={denied} columns={ERROR_COLUMNS} sortParameter="sort_denied" truncated={truncated} />
        )}
      </Panel>
      {failed.length > 0 && (
        <Panel
          title="Other errors"
          note="Calls that failed for other reasons, such as a thing that does not exist or a rate that was too high."
          flush
        >
          <Table label="Table of other errors" rows={failed} columns={ERROR_COLUMNS} sortParameter="sort_errors" truncated={truncated} />
        </Panel>
      )}
    </>
  )
}
