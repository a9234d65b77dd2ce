// The workloads on the node role with the most calls.
import { useMemo } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Schemas } from '../../api/client'
import { Name, Panel } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { count } from '../../format'
import { useCarry } from '../../state/url'
import { whoFalls, whoFallsText } from '../fallbacks/fallback'
import { CauseCell } from '../fallbacks/Who'
import type { Overview } from './useOverview'
import { fallbackDetail, fallbackName } from './words'

type Row = Schemas['FallbackRow']

const SHOWN = 8

export function TopFallbacks({ overview }: { overview: Overview }) {
  const to = useCarry()
  return (
    <Panel
      title="Workloads on the node role"
      note="Pods that call AWS with the credentials of their node, the most calls first. Open one for its evidence and what to run."
      className="span-7"
      flush
    >
      <Answer query={overview.fallbacks} lines={8}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="No workload was seen on the node role.">
              <p className="soft">
                Whether that makes hop limit 1 safe is on <Link to={to('/readiness')}>Readiness</Link>: what was not looked at is said there.
              </p>
            </Empty>
          ) : (
            <Top rows={data.items} more={data.next_token !== null} />
          )
        }
      </Answer>
    </Panel>
  )
}

const columns: Column<Row>[] = [
  { id: 'workload', header: 'Who', value: fallbackName, cell: (row) => <Who row={row} />, wrap: 150 },
  { id: 'cause', header: 'Cause', value: (row) => row.cause, cell: (row) => <CauseCell row={row} />, meaning: 'Why it has no credentials of its own' },
  { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true },
  { id: 'denied', header: 'Denied', value: (row) => row.denied, number: true, meaning: 'Calls that were refused' },
  timeColumn('last_seen', 'Last seen', (row) => row.last_seen),
]

function Who({ row }: { row: Row }) {
  const to = useCarry()
  return (
    <div className="fallback-who">
      <Link to={to('/fallbacks', { open: row.id })}>
        <Name text={fallbackName(row)} />
      </Link>
      <div className="soft small">{fallbackDetail(row)}</div>
    </div>
  )
}

function Top({ rows, more }: { rows: readonly Row[]; more: boolean }) {
  const to = useCarry()
  const navigate = useNavigate()
  const top = useMemo(() => rows.toSorted((a, b) => (b.calls ?? 0) - (a.calls ?? 0)).slice(0, SHOWN), [rows])
  return (
    <>
      <DataTable
        label="Workloads on the node role with the most calls"
        rows={top}
        columns={columns}
        rowKey={(row) => row.id}
        onOpen={(row) => void navigate(to('/fallbacks', { open: row.id }))}
        defaultSort="calls.desc"
        sortParameter="sort_fallbacks"
        note={`those with the most calls, of ${count(rows.length)}${more ? '+' : ''}`}
      />
      {rows.length > SHOWN && (
        <p className="panel-more">
          <Link to={to('/fallbacks')}>
            All on the node role: {whoFallsText(whoFalls(rows))}
            {more && ', and more'}
          </Link>
        </p>
      )}
    </>
  )
}
