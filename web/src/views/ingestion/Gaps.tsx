// Days without events, and sessions whose beginning is not in the store.
import { useMemo } from 'react'
import type { Schemas } from '../../api/client'
import { Badge, Code, Panel } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { count, counted, share } from '../../format'
import { missingDays, missingWords } from '../overview/words'
import { dayBefore, readGaps, shell, storeDays, strip } from './figures'

type Row = Schemas['CoverageRow']

/** Spans of missing days that are shown in a row. */
const SPANS = 4
/** Commands shown at once. */
const COMMANDS = 5

export function Gaps({ rows, places }: { rows: readonly Row[]; places: readonly string[] }) {
  const days = storeDays(rows)
  if (days === null) {
    return (
      <Panel title="Days without events">
        <Empty title="The store has no events." />
      </Panel>
    )
  }
  return (
    <>
      <Panel
        title="Days without events"
        note={`By account and region, ${days.first === days.last ? `on ${days.first}` : `from ${days.first} to ${days.last}`}. A trail that is whole has events every day in a region that is in use.`}
        flush
      >
        <Days rows={rows} days={days} places={places} />
      </Panel>
      <OlderSessions rows={rows} first={days.first} places={places} />
    </>
  )
}

function columnsOf(days: { first: string; last: string }): Column<Row>[] {
  return [
    { id: 'recipient_account_id', header: 'Account', value: (row) => row.recipient_account_id },
    { id: 'aws_region', header: 'Region', value: (row) => row.aws_region, cell: (row) => <span className="nowrap">{row.aws_region ?? '–'}</span> },
    {
      id: 'days_with_events',
      header: days.first === days.last ? days.first : `${days.first} to ${days.last}`,
      value: (row) => row.days_with_events,
      cell: (row) => <DayStrip row={row} days={days} />,
      meaning: 'Full height: days with events. Low: days without. Blank: before the first event',
    },
    { id: 'days', header: 'Days', value: (row) => row.days, cell: (row) => <Counted row={row} />, meaning: 'Days with events, of the days from the first event to the last' },
    { id: 'missing_days', header: 'Missing', value: (row) => row.missing_days, cell: (row) => <Missing row={row} /> },
    { id: 'events', header: 'Events', value: (row) => row.events, number: true },
    {
      id: 'session_older_than_store',
      header: 'Older sessions',
      value: (row) => row.session_older_than_store,
      number: true,
      meaning: 'Events whose session is older than the store',
    },
  ]
}

function Days({ rows, days, places }: { rows: readonly Row[]; days: { first: string; last: string }; places: readonly string[] }) {
  const { first, last } = days
  const columns = useMemo(() => columnsOf({ first, last }), [first, last])
  const gaps = rows.filter((row) => missingDays(row.missing_days).length > 0)
  const commands = gaps.flatMap((row) => readGaps(row, places) ?? [])
  return (
    <>
      <DataTable
        label="Days with and without events"
        rows={rows}
        columns={columns}
        rowKey={(row) => `${row.recipient_account_id ?? ''}/${row.aws_region ?? ''}`}
        sortParameter="sort_gaps"
        note={gaps.length === 0 ? 'no day is missing' : `days are missing in ${count(gaps.length)}`}
      />
      {commands.length > 0 && (
        <div className="section below-table">
          <p>
            Either nothing was called on these days, or the trail or what reads it missed them. To read them again
            {commands.length > COMMANDS ? `, the first ${COMMANDS} of ${count(commands.length)}` : ''}:
          </p>
          <Code label="Commands that read the missing days" text={commands.slice(0, COMMANDS).join('\n')} />
        </div>
      )}
    </>
  )
}

/** Days as a line: full where there are events, low where there are none. The column beside it says it in words. */
function DayStrip({ row, days }: { row: Row; days: { first: string; last: string } }) {
  const made = strip(row, days)
  return (
    <svg className="day-strip" viewBox={`0 0 ${made.days} 10`} preserveAspectRatio="none" aria-hidden="true">
      {made.runs.map((run) => (
        <rect
          key={run.from}
          className={run.kind}
          x={run.from}
          width={run.days}
          y={run.kind === 'events' ? 0 : 7}
          height={run.kind === 'events' ? 10 : run.kind === 'missing' ? 3 : 0}
        />
      ))}
    </svg>
  )
}

function Counted({ row }: { row: Row }) {
  return (
    <span className="nowrap">
      {count(row.days_with_events)} of {count(row.days)}
    </span>
  )
}

function Missing({ row }: { row: Row }) {
  const gaps = missingDays(row.missing_days)
  if (gaps.length === 0) {
    return <span className="soft">none</span>
  }
  return (
    <div className="missing">
      <Badge tone="warn">{counted(gaps.reduce((sum, gap) => sum + gap.days, 0), 'day')} missing</Badge>
      {gaps.slice(0, SPANS).map((gap) => (
        <span key={gap.from} className="soft small nowrap">
          {gap.from === gap.to ? gap.from : `${gap.from} to ${gap.to}`}
        </span>
      ))}
      {gaps.length > SPANS && (
        <span className="soft small" title={missingWords(row.missing_days) ?? ''}>
          and {counted(gaps.length - SPANS, 'more', 'more')}
        </span>
      )}
    </div>
  )
}

function OlderSessions({ rows, first, places }: { rows: readonly Row[]; first: string; places: readonly string[] }) {
  const calls = rows.reduce((sum, row) => sum + (row.session_older_than_store ?? 0), 0)
  const events = rows.reduce((sum, row) => sum + (row.events ?? 0), 0)
  if (calls === 0) {
    return null
  }
  const place = places.find((one) => one.startsWith('s3://'))
  const region = rows.toSorted((a, b) => (b.session_older_than_store ?? 0) - (a.session_older_than_store ?? 0))[0]?.aws_region ?? 'REGION'
  return (
    <Panel
      title="Sessions older than the store"
      note={`${counted(calls, 'event')} (${share(calls, events)}) were made with credentials that were issued before the store’s first event.`}
    >
      <div className="two-columns">
        <div className="section">
          <p>
            The record that issued a session names its workload. Of these sessions it is older than anything here, so that some of their calls stay
            unattributed. Sessions of roles last twelve hours at most: this concerns the beginning of the store alone.
          </p>
        </div>
        <div className="section">
          <p>To learn who they were, read one day more of the trail, or ask CloudTrail for the records that issued them:</p>
          <Code
            label="Commands that find who had the older sessions"
            text={`podtrail ingest ${place === undefined ? 's3://BUCKET' : shell(place)} --from ${dayBefore(first)}\npodtrail ingest lookup://${region} --backfill`}
          />
        </div>
      </div>
    </Panel>
  )
}
