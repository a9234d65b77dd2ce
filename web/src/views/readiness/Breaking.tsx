import { useNavigate, Link } from 'react-router'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { count, counted } from '../../format'
import { useCarry } from '../../state/url'
import { CAUSES } from '../../terms'
import { byCause, isNamed, who } from '../fallbacks/fallback'
import { CauseCell, SureCell, WhoCell } from '../fallbacks/Who'
import type { Fallback, NodeRole } from './readiness'

const COLUMNS: readonly Column<Fallback>[] = [
  { id: 'who', header: 'Who', value: (row) => who(row).name, cell: (row) => <OpenFallback row={row} />, wrap: 190, meaning: 'The workload; where it is not known, who fits best' },
  { id: 'cause', header: 'Cause', value: (row) => CAUSES[row.cause ?? 'unknown']?.name ?? row.cause, cell: (row) => <CauseCell row={row} /> },
  { id: 'confidence', header: 'Confidence', value: (row) => row.confidence, cell: (row) => <SureCell row={row} />, meaning: 'How sure it is who made the calls' },
  { id: 'calls', header: 'Calls', number: true, value: (row) => row.calls, meaning: 'Calls with the node role' },
  { id: 'denied', header: 'Denied', number: true, value: (row) => row.denied, meaning: 'Calls that were refused' },
  seenColumn(),
]

// The verdict is of all time: the links leave the time range behind.
const ALL_TIME = { from: null, to: null }

function OpenFallback({ row }: { row: Fallback }) {
  const to = useCarry()
  return (
    <Link className="rd-who" to={to('/fallbacks', { cluster: row.cluster, open: row.id, ...ALL_TIME })}>
      <WhoCell row={row} />
    </Link>
  )
}

/** Workloads that lose the node's credentials at hop limit 1, and how often each cause is. */
export function Breaking({ row, rows }: { row: NodeRole; rows: readonly Fallback[] }) {
  const to = useCarry()
  const go = useNavigate()
  if (rows.length === 0) {
    return <p>{row.breaks}</p>
  }
  const unnamed = rows.filter((one) => !isNamed(one)).length
  return (
    <div className="section">
      {unnamed > 0 && (
        <p className="soft small">
          {counted(unnamed, 'row')} {unnamed === 1 ? 'is' : 'are'} of pods whose workload is not known: it may be one of the others.
        </p>
      )}
      <ul className="rd-causes">
        {byCause(rows).map((one) => (
          <li key={one.cause}>
            <Link className="button small" to={to('/fallbacks', { cluster: row.cluster, role_arn: row.role_arn, cause: one.cause, ...ALL_TIME })} title={CAUSES[one.cause]?.meaning}>
              {CAUSES[one.cause]?.name ?? one.cause} <strong>{count(one.rows)}</strong>
            </Link>
          </li>
        ))}
      </ul>
      <div className="fb-table rd-table">
        {/* The tables of all node roles have one order: they are compared. */}
        <DataTable
          label={`Workloads that would break without ${row.role_arn ?? 'the role'}`}
          rows={rows}
          columns={COLUMNS}
          rowKey={(one) => one.id}
          onOpen={(one) => void go(to('/fallbacks', { cluster: one.cluster, open: one.id, ...ALL_TIME }))}
          defaultSort="calls.desc"
        />
      </div>
    </div>
  )
}
