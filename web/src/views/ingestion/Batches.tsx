// What runs of ingestion left in the store, by a schedule of this service or by anybody else.
import type { Schemas } from '../../api/client'
import { Badge, Panel } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { bytes, count } from '../../format'

type Row = Schemas['BatchRow']

/** The service gives no more batches than these. */
const MOST = 1000

const columns: Column<Row>[] = [
  timeColumn('ingested_at', 'Began', (row) => row.ingested_at),
  {
    id: 'object',
    header: 'Example',
    value: (row) => row.object,
    cell: (row) => <span className="mono">{row.object ?? '–'}</span>,
    wrap: 180,
    meaning: 'One of the objects',
    below: [{ id: 'source', header: 'Source', value: (row) => row.source, meaning: 'Name of the source in the tables' }],
  },
  { id: 'objects', header: 'Objects', value: (row) => row.objects, number: true },
  {
    id: 'unreadable',
    header: 'Unreadable',
    value: (row) => row.unreadable,
    cell: (row) => <Unreadable row={row} />,
    number: true,
    meaning: 'Objects that could not be read, and are tried again with the next run',
  },
  { id: 'records', header: 'Records', value: (row) => row.records, number: true, meaning: 'CloudTrail records found' },
  {
    id: 'new_events',
    header: 'New',
    value: (row) => row.new_events,
    number: true,
    meaning: 'Records that became events',
    below: [{ id: 'duplicates', header: 'Duplicates', value: (row) => row.duplicates, number: true, meaning: 'Records whose event was known already, as of overlapping files' }],
  },
  { id: 'rejected', header: 'Rejected', value: (row) => row.rejected, number: true, meaning: 'Values that were refused: the reasons are under Rejects' },
  { id: 'bytes', header: 'Size', value: (row) => row.bytes, cell: (row) => bytes(row.bytes), number: true, meaning: 'As stored' },
]

export function Batches({ rows }: { rows: readonly Row[] }) {
  if (rows.length === 0) {
    return null
  }
  return (
    <Panel
      title="What runs read"
      note="Whoever started them: podtrail ingest, or a schedule. A run makes one batch, several where there is much to read, and none where nothing is new."
      flush
    >
      <DataTable
        label="Batches that runs of ingestion made"
        rows={rows}
        columns={columns}
        rowKey={(row) => `${row.source ?? ''} ${row.seq ?? ''}`}
        defaultSort="ingested_at.desc"
        sortParameter="sort_batches"
        note={rows.length >= MOST ? `only the newest ${count(MOST)} are shown` : undefined}
      />
    </Panel>
  )
}

function Unreadable({ row }: { row: Row }) {
  return row.unreadable === 0 ? (
    <>0</>
  ) : (
    <Badge tone="bad" title={row.error ?? ''}>
      {count(row.unreadable)}
    </Badge>
  )
}
