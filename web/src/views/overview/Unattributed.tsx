// Calls that no identity of a cluster made: why, and an example.
import { useMemo } from 'react'
import type { Schemas } from '../../api/client'
import { Panel, ShortEventLink } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { count, share } from '../../format'
import { REASONS, term } from '../../terms'
import { REASON_MEANING } from './reasons'
import type { Overview } from './useOverview'

type Row = Schemas['Unattributed']

export function Unattributed({ overview }: { overview: Overview }) {
  return (
    <Panel
      title="Calls that no workload made, by reason"
      note={`People, AWS services and other machines. They belong to no cluster${overview.filters.cluster === undefined ? '' : ': the cluster chosen above does not apply'}.`}
      flush
    >
      <Answer query={overview.summary} lines={6}>
        {(data) =>
          data.unattributed.length === 0 ? (
            <Empty title={data.calls === 0 ? 'No calls in this time range.' : 'Every call in this time range is attributed.'} />
          ) : (
            <Reasons rows={data.unattributed} calls={data.calls} />
          )
        }
      </Answer>
    </Panel>
  )
}

function columnsOf(rows: readonly Row[], calls: number): Column<Row>[] {
  const most = rows.reduce((found, row) => Math.max(found, row.calls ?? 0), 1)
  return [
    { id: 'reason', header: 'Reason', value: (row) => row.reason, cell: (row) => <Reason value={row.reason} /> },
    { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true },
    {
      id: 'share',
      header: 'Share of all calls',
      value: (row) => (calls === 0 ? null : (row.calls ?? 0) / calls),
      cell: (row) => <Bar part={row.calls ?? 0} most={most} text={share(row.calls ?? 0, calls)} />,
    },
    seenColumn(),
    { id: 'event_id', header: 'Example', value: (row) => row.event_id, cell: (row) => <ShortEventLink id={row.event_id} /> },
  ]
}

function Reason({ value }: { value: string | null }) {
  return (
    <>
      {term(REASONS, value)}
      <div className="soft small reason-meaning">{REASON_MEANING[value ?? ''] ?? ''}</div>
    </>
  )
}

function Reasons({ rows, calls }: { rows: readonly Row[]; calls: number }) {
  const columns = useMemo(() => columnsOf(rows, calls), [rows, calls])
  const all = rows.reduce((sum, row) => sum + (row.calls ?? 0), 0)
  return (
    <DataTable
      label="Reasons why calls are not attributed"
      rows={rows}
      columns={columns}
      rowKey={(row) => row.reason ?? ''}
      defaultSort="calls.desc"
      sortParameter="sort_reasons"
      note={`${count(all)} of ${count(calls)} calls`}
    />
  )
}

/** A share as a bar, the longest of the list full. */
function Bar({ part, most, text }: { part: number; most: number; text: string }) {
  return (
    <span className="share">
      <span className="meter" aria-hidden="true">
        <span style={{ width: `${(100 * part) / most}%` }} />
      </span>
      <span className="nowrap">{text}</span>
    </span>
  )
}
