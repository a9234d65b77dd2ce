// What was refused, and why.
import type { Schemas } from '../../api/client'
import { Badge, Panel } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { REJECT_REASONS, wordOf } from './terms'

type Row = Schemas['RejectRow']

const columns: Column<Row>[] = [
  { id: 'reason', header: 'Reason', value: (row) => row.reason, cell: (row) => <Reason row={row} />, wrap: 200 },
  { id: 'rejected', header: 'Values', value: (row) => row.rejected, number: true, meaning: 'Values that were refused' },
  { id: 'object', header: 'Example', value: (row) => row.object, cell: (row) => <span className="mono">{row.object ?? '–'}</span>, wrap: 180, meaning: 'One of the objects', below: [{ id: 'source', header: 'Source', value: (row) => row.source }] },
  { id: 'detail', header: 'Detail', value: (row) => row.detail, wrap: 160, meaning: 'What exactly was wrong in it' },
  timeColumn('last_ingested_at', 'Last', (row) => row.last_ingested_at),
]

export function Rejects({ rows, cut }: { rows: readonly Row[]; cut: boolean }) {
  if (rows.length === 0) {
    return (
      <Panel title="Rejects">
        <p>
          <Badge tone="good">Nothing was rejected</Badge> Every value that was read is an event, or was one already.
        </p>
      </Panel>
    )
  }
  return (
    <Panel title="Rejects" note="Values that did not become events, by reason. Their text is kept in the table rejects, secrets replaced." flush>
      <DataTable
        label="Rejected values by reason"
        rows={rows}
        columns={columns}
        rowKey={(row) => `${row.source ?? ''} ${row.reason ?? ''}`}
        defaultSort="rejected.desc"
        sortParameter="sort_rejects"
        note={cut ? 'only the first 10,000 rows are shown' : undefined}
      />
    </Panel>
  )
}

function Reason({ row }: { row: Row }) {
  const word = wordOf(REJECT_REASONS, row.reason)
  return (
    <div className="reject-reason">
      <Badge tone={word.tone}>{word.name}</Badge>
      <div className="soft small">{word.meaning}</div>
    </div>
  )
}
