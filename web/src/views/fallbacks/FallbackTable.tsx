import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { Confidence, Score, Time, workloadPath } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { useCarry } from '../../state/url'
import { CAUSES } from '../../terms'
import { fewActions, who, type Fallback } from './fallback'
import { CauseCell, WhoCell } from './Who'

const COLUMNS: readonly Column<Fallback>[] = [
  { id: 'who', header: 'Who', value: (row) => who(row).name, cell: (row) => <WhoCell row={row} />, meaning: 'The workload; where it is not known, who fits best' },
  {
    id: 'service_account',
    header: 'Service account',
    value: (row) => row.service_account,
    cell: (row) => <Account row={row} />,
    meaning: 'Service account, in the namespace of the workload',
  },
  { id: 'cluster', header: 'Cluster', value: (row) => row.cluster, cell: (row) => <span className="fb-cluster">{row.cluster ?? '–'}</span> },
  {
    id: 'cause',
    header: 'Cause',
    value: (row) => CAUSES[row.cause ?? 'unknown']?.name ?? row.cause,
    cell: (row) => <CauseCell row={row} />,
    meaning: 'Why the pod does not use a role of its own',
  },
  { id: 'confidence', header: 'Confidence', value: (row) => row.confidence, cell: (row) => <Confidence value={row.confidence} />, meaning: 'How sure it is who made the calls' },
  { id: 'score', header: 'Score', number: true, value: (row) => row.score, cell: (row) => <Score value={row.score} />, meaning: 'How likely the attribution is; 1 is certain' },
  { id: 'calls', header: 'Calls', number: true, value: (row) => row.calls, meaning: 'Calls with the node role' },
  { id: 'denied', header: 'Denied', number: true, value: (row) => row.denied, meaning: 'Calls that were refused' },
  { id: 'last_seen', header: 'Last seen', value: (row) => row.last_seen, cell: (row) => <Time value={row.last_seen} />, meaning: 'Last call, UTC' },
  { id: 'actions', header: 'Actions', value: (row) => row.actions, cell: (row) => <Actions row={row} />, meaning: 'Number of actions, and the first of them' },
  { id: 'first_seen', header: 'First seen', value: (row) => row.first_seen, cell: (row) => <Time value={row.first_seen} />, meaning: 'First call, UTC' },
]

/** Without its namespace, which stands in the column before. */
function Account({ row }: { row: Fallback }) {
  const to = useCarry()
  if (row.namespace === null || row.service_account === null) {
    return <span className="soft">not known</span>
  }
  return row.cluster === null ? (
    row.service_account
  ) : (
    <Link to={to(workloadPath(row.cluster, row.namespace, row.service_account))} title={`${row.namespace}/${row.service_account}`}>
      {row.service_account}
    </Link>
  )
}

function Actions({ row }: { row: Fallback }) {
  const { number, text } = fewActions(row.actions)
  return (
    <span className="fb-actions" title={row.actions ?? undefined}>
      <span className="soft">{number}</span> {text}
    </span>
  )
}

export function FallbackTable({ rows, selected, onOpen, note }: { rows: readonly Fallback[]; selected: string | null; onOpen: (row: Fallback) => void; note?: ReactNode }) {
  return (
    <div className="fb-table">
      <DataTable
        label="Pods that fall back to their node's role"
        rows={rows}
        columns={COLUMNS}
        rowKey={(row) => row.id}
        onOpen={onOpen}
        selected={selected}
        defaultSort="calls.desc"
        note={note}
      />
    </div>
  )
}
