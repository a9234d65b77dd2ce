import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { Name, Role, Score, workloadPath } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { words } from '../../format'
import { useCarry } from '../../state/url'
import { CAUSES } from '../../terms'
import { who, type Fallback } from './fallback'
import { CauseCell, SureCell, WhoCell } from './Who'

const COLUMNS: readonly Column<Fallback>[] = [
  {
    id: 'who',
    header: 'Who',
    value: (row) => who(row).name,
    cell: (row) => <WhoCell row={row} />,
    wrap: 190,
    meaning: 'The workload; where it is not known, who fits best',
    below: [
      {
        id: 'service_account',
        header: 'Service account',
        value: (row) => row.service_account,
        cell: (row) => (row.namespace === null || row.service_account === null ? null : <Account cluster={row.cluster} namespace={row.namespace} name={row.service_account} />),
        meaning: 'Service account, in the namespace of the workload',
      },
    ],
  },
  {
    id: 'cluster',
    header: 'Cluster',
    value: (row) => row.cluster,
    wrap: 120,
    below: [{ id: 'role_arn', header: 'Node role', value: (row) => row.role_arn, cell: (row) => <Role arn={row.role_arn} />, clip: true }],
  },
  {
    id: 'cause',
    header: 'Cause',
    value: (row) => CAUSES[row.cause ?? 'unknown']?.name ?? row.cause,
    cell: (row) => <CauseCell row={row} />,
    meaning: 'Why the pod does not use a role of its own',
  },
  { id: 'calls', header: 'Calls', number: true, value: (row) => row.calls, meaning: 'Calls with the node role' },
  { id: 'denied', header: 'Denied', number: true, value: (row) => row.denied, meaning: 'Calls that were refused' },
  seenColumn(),
  {
    id: 'confidence',
    header: 'Confidence',
    value: (row) => row.confidence,
    cell: (row) => <SureCell row={row} />,
    meaning: 'How sure it is who made the calls',
    below: [{ id: 'score', header: 'Score', number: true, value: (row) => row.score, cell: (row) => <Score value={row.score} />, meaning: 'How likely the attribution is; 1 is certain' }],
  },
  {
    id: 'actions',
    header: 'Actions',
    value: (row) => row.actions,
    cell: (row) => <Actions row={row} />,
    wrap: 120,
    meaning: 'The first of its actions; all are in the tooltip and in the CSV',
  },
]

/** A service account without its namespace, which stands in the line above. */
function Account({ cluster, namespace, name }: { cluster: string | null; namespace: string; name: string }) {
  const to = useCarry()
  return cluster === null ? (
    name
  ) : (
    <Link to={to(workloadPath(cluster, namespace, name))} title={`${namespace}/${name}`}>
      {name}
    </Link>
  )
}

function Actions({ row }: { row: Fallback }) {
  const [first, ...others] = words(row.actions)
  return first === undefined ? (
    <span className="soft">–</span>
  ) : (
    <span title={row.actions ?? undefined}>
      <Name text={first} />
      {others.length > 0 && <span className="soft"> and {others.length} more</span>}
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
