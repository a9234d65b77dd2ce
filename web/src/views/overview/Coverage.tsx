// What the store covers of each account and region, and how fresh it is.
import { useMemo } from 'react'
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { Badge, Panel, Time } from '../../components/basics'
import { firstColumn, timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { count, counted, share } from '../../format'
import { useCarry } from '../../state/url'
import type { Overview } from './useOverview'
import { faults, faultText, lengthWords, missingDays, missingWords, stretches, stretchWords } from './words'

type Row = Schemas['CoverageRow']

export function Coverage({ overview }: { overview: Overview }) {
  const to = useCarry()
  const narrowed = Object.keys(overview.filters).length > 0
  return (
    <Panel
      title="Coverage and freshness"
      note={
        <>
          Of the whole store{narrowed && ': time range and cluster do not apply'}. What was read, and what was refused, is on{' '}
          <Link to={to('/ingestion')}>Ingestion</Link>.
        </>
      }
      flush
    >
      <Answer query={overview.coverage} lines={6}>
        {(data) => (data.items.length === 0 ? <Empty title="The store has no events." /> : <Accounts rows={data.items} cut={data.next_token !== null} />)}
      </Answer>
    </Panel>
  )
}

const columns: Column<Row>[] = [
  { id: 'recipient_account_id', header: 'Account', value: (row) => row.recipient_account_id },
  { id: 'aws_region', header: 'Region', value: (row) => row.aws_region, cell: (row) => <span className="nowrap">{row.aws_region ?? '–'}</span> },
  { id: 'events', header: 'Events', value: (row) => row.events, number: true },
  {
    id: 'attributed',
    header: 'Attributed',
    value: (row) => row.attributed,
    cell: (row) => <span title={counted(row.attributed ?? 0, 'event')}>{share(row.attributed ?? 0, row.events ?? 0)}</span>,
    number: true,
    meaning: 'Events that an identity of a cluster made',
  },
  timeColumn('last_event_time', 'Last event', (row) => row.last_event_time, {
    below: [firstColumn('first_event_time', 'First event', (row) => row.first_event_time)],
  }),
  {
    id: 'days_with_events',
    header: 'Days',
    value: (row) => row.days_with_events,
    cell: (row) => <Days row={row} />,
    meaning: 'Days with events, of the days from the first event to the last; and days without, up to the newest of the store',
  },
  {
    id: 'data_events',
    header: 'Data events',
    value: (row) => row.data_events,
    cell: (row) =>
      row.data_events ? 'yes' : <span className="soft" title="Calls on S3 objects, DynamoDB items and the like do not show: this trail does not record them">none</span>,
    meaning: 'Whether the trail records calls on S3 objects, DynamoDB items and the like',
  },
  {
    id: 'proven_log_files',
    header: 'Proven files',
    value: (row) => row.proven_log_files,
    cell: (row) => <Proven row={row} />,
    meaning: 'Log files that the trail’s digests prove to be unaltered, of all that were read; and what is wrong with others',
    below: [
      {
        id: 'proven_time',
        header: 'Proven time',
        value: (row) => row.proven_time,
        cell: (row) => <ProvenTime row={row} />,
        meaning: 'Time that digests prove to be complete: all its log files are known, there and unaltered',
      },
      {
        id: 'unproven_time',
        header: 'Unproven time',
        value: (row) => row.unproven_time,
        cell: (row) => (stretches(row.unproven_time).length === 0 ? null : <UnprovenTime row={row} />),
        meaning: 'Time of which the digests of a trail do not prove that: some are missing, or log files are',
      },
    ],
  },
]

function Accounts({ rows, cut }: { rows: readonly Row[]; cut: boolean }) {
  const gaps = useMemo(() => rows.filter((row) => row.missing_days !== null && row.missing_days !== '').length, [rows])
  return (
    <DataTable
      label="Coverage by account and region"
      rows={rows}
      columns={columns}
      rowKey={(row) => `${row.recipient_account_id ?? ''}/${row.aws_region ?? ''}`}
      sortParameter="sort_coverage"
      note={`${gaps === 0 ? 'no day is missing in any' : `days are missing in ${count(gaps)}`}${cut ? ' · only the first 10,000 rows are shown' : ''}`}
    />
  )
}

function Days({ row }: { row: Row }) {
  return (
    <>
      <span className="nowrap">
        {count(row.days_with_events)} of {count(row.days)}
      </span>{' '}
      <Gaps row={row} />
    </>
  )
}

function Gaps({ row }: { row: Row }) {
  const words = missingWords(row.missing_days)
  if (words === null) {
    return <span className="soft nowrap">no gaps</span>
  }
  const days = missingDays(row.missing_days).reduce((sum, gap) => sum + gap.days, 0)
  return (
    <Badge tone="warn" title={words}>
      {counted(days, 'day')} missing
    </Badge>
  )
}

function Proven({ row }: { row: Row }) {
  if (row.log_files === null || row.log_files === 0) {
    return (
      <>
        <span className="soft" title="What was read does not lie in the folders of a trail’s bucket">
          no trail files
        </span>{' '}
        <Faults row={row} />
      </>
    )
  }
  const proven = row.proven_log_files ?? 0
  const files = `${count(proven)} of ${counted(row.log_files, 'log file')}`
  return (
    <>
      <span className="nowrap" title={proven === 0 ? `${files}: podtrail ingest --verify proves them` : files}>
        {proven === 0 ? <span className="soft">none</span> : share(proven, row.log_files)}
      </span>{' '}
      <Faults row={row} />
    </>
  )
}

function ProvenTime({ row }: { row: Row }) {
  const found = stretches(row.proven_time)
  const last = found.at(-1)
  if (last === undefined) {
    return (
      <span className="soft" title="No digest says that the log files of any time are all there: podtrail ingest --verify reads digests">
        no time
      </span>
    )
  }
  return (
    <span className="nowrap" title={stretchWords(found)}>
      {lengthWords(found)}, to <Time value={new Date(last.to).toISOString()} />
    </span>
  )
}

function UnprovenTime({ row }: { row: Row }) {
  const found = stretches(row.unproven_time)
  return (
    <Badge tone="warn" title={stretchWords(found)}>
      {lengthWords(found)} not proven
    </Badge>
  )
}

function Faults({ row }: { row: Row }) {
  const found = faults([row])
  const wrong = faultText(found)
  const unreadable = row.unreadable ?? 0
  const rejected = row.rejected ?? 0
  return (
    <>
      {wrong !== null && (
        <Badge tone="bad" title={wrong}>
          {count(found.missing + found.altered)} not as delivered
        </Badge>
      )}{' '}
      {unreadable > 0 && (
        <Badge tone="bad" title="Log files that could not be read, and folders that could not be listed: tried again with the next run">
          {count(unreadable)} unreadable
        </Badge>
      )}{' '}
      {rejected > 0 && (
        <Badge tone="warn" title="Values of the log files that were refused: Ingestion has the reasons">
          {counted(rejected, 'value')} refused
        </Badge>
      )}
    </>
  )
}
