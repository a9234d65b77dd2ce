// What runs on a schedule, and how it went.
import type { Schemas } from '../../api/client'
import { Badge, Code, Panel, Time } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { span } from '../../state/time'
import { RESULTS, wordOf } from './terms'

type Row = Schemas['Schedule']

const columns: Column<Row>[] = [
  { id: 'name', header: 'What', value: (row) => row.name, wrap: 150 },
  { id: 'last_result', header: 'Last result', value: (row) => row.last_result, cell: (row) => <Result row={row} /> },
  timeColumn('last_ended_at', 'Ended', (row) => row.last_ended_at),
  { id: 'took', header: 'Took', value: seconds, cell: (row) => <Took row={row} />, number: true, meaning: 'Length of the last run' },
  { id: 'next_at', header: 'Next run, UTC', value: (row) => row.next_at, cell: (row) => <Next row={row} /> },
  { id: 'last_detail', header: 'Detail', value: (row) => row.last_detail, cell: (row) => row.last_detail ?? <span className="soft">–</span>, wrap: 150 },
]

export function Runs({ rows }: { rows: readonly Row[] }) {
  if (rows.length === 0) {
    return (
      <Panel title="Runs on a schedule" note="Nothing is read on a schedule by this service. What podtrail ingest read, as in a cron job, is listed apart.">
        <div className="two-columns">
          <div className="section">
            <p>To have it read by itself, name the sources in podtrail.toml:</p>
            <Code label="Example of podtrail.toml" text={'[[source]]\nlocation = "s3://BUCKET/AWSLogs/"\n\n[[cluster]]\nname = "CLUSTER"'} />
          </div>
          <div className="section">
            <p>and start the service with an interval:</p>
            <Code label="Command that serves and reads on a schedule" text="podtrail serve --every 5m" />
            <p className="soft small">Its runs, and what went wrong in them, are then listed here.</p>
          </div>
        </div>
      </Panel>
    )
  }
  return (
    <Panel title="Runs on a schedule" note="Since this service was started. What fails is tried again with the next run, and keeps nothing else from being read." flush>
      <DataTable label="Scheduled runs" rows={rows} columns={columns} rowKey={(row) => row.name} sortParameter="sort_runs" />
    </Panel>
  )
}

function Result({ row }: { row: Row }) {
  const word = wordOf(RESULTS, row.last_result)
  return (
    <span className="row">
      {row.last_result !== null && row.last_result !== undefined && (
        <Badge tone={word.tone} title={word.meaning}>
          {word.name}
        </Badge>
      )}
      {row.running && (
        <Badge tone="info" title="It runs now">
          Running
        </Badge>
      )}
    </span>
  )
}

/** Length of the last run that ended. While one runs, only its own begin is known. */
function seconds(row: Row): number | null {
  if (row.running || row.last_began_at === null || row.last_began_at === undefined || row.last_ended_at === null || row.last_ended_at === undefined) {
    return null
  }
  return (Date.parse(row.last_ended_at) - Date.parse(row.last_began_at)) / 1000
}

function Took({ row }: { row: Row }) {
  const took = seconds(row)
  return took === null ? <span className="soft">–</span> : <>{span(took)}</>
}

function Next({ row }: { row: Row }) {
  if (row.running) {
    return (
      <span>
        running since <Time value={row.last_began_at} />
      </span>
    )
  }
  return <Time value={row.next_at} />
}
