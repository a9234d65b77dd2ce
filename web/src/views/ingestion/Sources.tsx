// What was read, by source, folder and status.
import { useMemo } from 'react'
import type { Schemas } from '../../api/client'
import { Badge, Code, Panel } from '../../components/basics'
import { firstColumn, timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Select, valuesOf } from '../../components/Filters'
import { Empty } from '../../components/states'
import { bytes, count } from '../../format'
import { useUrlValue } from '../../state/url'
import { trailFolder } from './figures'
import { digestWord, STATUSES, wordOf } from './terms'

type Row = Schemas['IngestionRow']

const columns: Column<Row>[] = [
  {
    id: 'prefix',
    header: 'Folder',
    value: (row) => row.prefix,
    cell: (row) => <Folder row={row} />,
    wrap: 150,
    below: [{ id: 'source', header: 'Source', value: (row) => row.source, meaning: 'Name of the source in the tables' }],
  },
  {
    id: 'status',
    header: 'Status',
    value: (row) => row.status,
    cell: (row) => <Status row={row} />,
    wrap: 110,
    below: [
      { id: 'digest_status', header: 'Digest', value: (row) => row.digest_status, cell: (row) => <Digest row={row} />, meaning: 'What the trail’s digests say of the log files' },
      { id: 'error', header: 'Error', value: (row) => row.error, meaning: 'Why objects could not be read: one of them' },
    ],
  },
  { id: 'objects', header: 'Objects', value: (row) => row.objects, number: true },
  { id: 'records', header: 'Records', value: (row) => row.records, number: true, meaning: 'CloudTrail records found' },
  { id: 'new_events', header: 'New', value: (row) => row.new_events, number: true, meaning: 'Records that became events' },
  {
    id: 'duplicates',
    header: 'Duplicates',
    value: (row) => row.duplicates,
    number: true,
    meaning: 'Records whose event was known already, as of overlapping files',
    below: [{ id: 'rejected', header: 'Rejected', value: (row) => row.rejected, number: true, meaning: 'Values that were refused' }],
  },
  {
    id: 'bytes',
    header: 'Size',
    value: (row) => row.bytes,
    cell: (row) => <Size row={row} />,
    number: true,
    meaning: 'As stored; inflated in the tooltip',
  },
  timeColumn('last_ingested_at', 'Last read', (row) => row.last_ingested_at),
  timeColumn('last_event_time', 'Last event', (row) => row.last_event_time, {
    below: [firstColumn('first_event_time', 'First event', (row) => row.first_event_time)],
  }),
]

export function Sources({ rows, cut }: { rows: readonly Row[]; cut: boolean }) {
  const [status] = useUrlValue('status')
  const shown = useMemo(() => (status === null ? rows : rows.filter((row) => row.status === status)), [rows, status])
  const options = useMemo(() => valuesOf(rows, (row) => row.status).map((one) => ({ ...one, name: wordOf(STATUSES, one.value).name })), [rows])
  if (rows.length === 0) {
    return (
      <Panel title="Sources">
        <div className="section">
          <p>Nothing was read yet. Read a trail’s bucket, a folder, a queue or the last 90 days of LookupEvents:</p>
          <Code label="Commands that read" text={'podtrail ingest s3://BUCKET/AWSLogs/\npodtrail ingest lookup://REGION'} />
        </div>
      </Panel>
    )
  }
  return (
    <Panel title="Sources" note="Objects that were read, by folder and status. An object that is unchanged is not read again." flush>
      {shown.length === 0 ? (
        <Empty title="No object has this status." />
      ) : (
        <DataTable
          label="Objects by folder and status"
          rows={shown}
          columns={columns}
          rowKey={(row) => [row.source, row.prefix, row.status, row.digest_status].join(' ')}
          sortParameter="sort"
          note={cut ? 'only the first 10,000 rows are shown' : undefined}
          tools={(options.length > 1 || status !== null) && <Select name="status" label="Status" options={options} />}
        />
      )}
    </Panel>
  )
}

function Folder({ row }: { row: Row }) {
  const trail = trailFolder(row.prefix)
  return trail === null ? (
    <span className="mono">{row.prefix ?? '–'}</span>
  ) : (
    <span title={row.prefix ?? ''}>
      {trail.account} · {trail.region}
      <span className="folder-path soft small">{trail.place}</span>
    </span>
  )
}

function Status({ row }: { row: Row }) {
  const word = wordOf(STATUSES, row.status)
  return (
    <Badge tone={word.tone} title={word.meaning}>
      {word.name}
    </Badge>
  )
}

function Size({ row }: { row: Row }) {
  return <span title={`${bytes(row.inflated_bytes)} inflated, ${count(row.bytes)} bytes as stored`}>{bytes(row.bytes)}</span>
}

function Digest({ row }: { row: Row }) {
  const word = digestWord(row.digest_status)
  return row.digest_status === null ? (
    <span className="soft nowrap" title={word.meaning}>
      digest {word.name.toLowerCase()}
    </span>
  ) : (
    <Badge tone={word.tone} title={word.meaning}>
      {word.name}
    </Badge>
  )
}
