// The rows of a statement: as a table, as a chart, as a file.
import { useMemo, useState } from 'react'
import { ApiError, sqlFile, type Schemas } from '../../api/client'
import { Panel } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { Failed } from '../../components/states'
import { Tabs } from '../../components/Tabs'
import { count, counted, exact } from '../../format'
import { isPolicy, policyText } from '../../policy'
import { useUrlValue } from '../../state/url'
import { Cell, isTime, scalar, type Scalar } from '../explain/cells'
import type { Row } from '../explain/story'
import { isNumber } from './chart'
import { ResultChart } from './ResultChart'
import { typeName } from './schema'

type Rows = Schemas['Rows']
interface Numbered {
  index: number
  row: Row
}

export function Results({ answer, request }: { answer: Rows; request: Schemas['SqlRequest'] }) {
  const [tab, setTab] = useUrlValue('tab')
  const columns = answer.columns ?? []
  const rows = answer.items as Row[]
  const grid = <Grid columns={columns} rows={rows} />
  const chart = <ResultChart columns={columns} rows={rows} />
  const said = `${counted(rows.length, 'row')} in ${count(answer.elapsed_ms)} ms`
  return (
    <Panel
      title="Result"
      note={
        <span role="status">
          {answer.truncated === true ? `${said}. There are more: only the first ${count(rows.length)} are shown; a file has all of them, up to the service’s bound.` : `${said}.`}
        </span>
      }
      tools={<Files request={request} />}
      flush
    >
      {rows.length === 0 ? (
        <p className="state soft">The statement gave no rows. Its columns: {columns.map((column) => column.name).join(', ')}.</p>
      ) : (
        <div className="sql-tabs">
          <Tabs
            label="Form of the result"
            shown={tab === 'chart' ? 'chart' : 'rows'}
            onShow={(name) => setTab(name === 'rows' ? null : name)}
            tabs={[
              { name: 'rows', title: 'Rows', body: () => grid },
              { name: 'chart', title: 'Chart', body: () => chart },
            ]}
          />
        </div>
      )}
    </Panel>
  )
}

function gridColumn(column: Schemas['Column']): Column<Numbered> {
  return {
    id: column.name,
    header: column.name,
    value: ({ row }) => scalar(row[column.name]),
    cell: ({ row }) => <ResultCell name={column.name} row={row} />,
    number: isNumber(column),
    meaning: `${column.name}: ${typeName(column.type)}. Sorts the rows shown.`,
  }
}

function Grid({ columns, rows }: { columns: readonly Schemas['Column'][]; rows: Row[] }) {
  const numbered = useMemo<Numbered[]>(() => rows.map((row, index) => ({ index, row })), [rows])
  const shown = useMemo(() => columns.map(gridColumn), [columns])
  return <DataTable label="Rows of the statement" rows={numbered} columns={shown} rowKey={({ index }) => String(index)} />
}

/** Texts up to this length are shown whole. */
const LONG = 80

function ResultCell({ name, row }: { name: string; row: Row }) {
  const value = row[name]
  const json = readJson(value)
  if (json !== null) {
    return (
      <details className="sql-json">
        <summary className="mono">{JSON.stringify(json).slice(0, 60)}…</summary>
        <pre>{isPolicy(json) ? policyText(json) : JSON.stringify(json, null, 2)}</pre>
      </details>
    )
  }
  if (typeof value === 'string' && value.length > LONG) {
    return (
      <details className="sql-json">
        <summary>{value.slice(0, 70)}…</summary>
        {value}
      </details>
    )
  }
  return LINKED.has(name) || isTime(value) ? <Cell name={name} row={row} /> : <Raw value={scalar(value)} />
}

/** Columns that lead somewhere. All else is shown as it is, so that it can be put into a statement. */
const LINKED = new Set([
  'event_id',
  'access_key_id',
  'parent_access_key_id',
  'issued_access_key_id',
  'role_arn',
  'parent_role_arn',
  'session_issuer_arn',
  'issued_role_arn',
  'instance_id',
  'node',
  'score',
])

function Raw({ value }: { value: Scalar }) {
  return value === null ? <span className="soft">null</span> : <>{typeof value === 'number' ? exact(value) : String(value)}</>
}

/** Lists and objects, and texts that hold some; null for anything else. Short ones are readable as they are. */
function readJson(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value).length > 60 ? value : null
  }
  if (typeof value !== 'string' || value.length <= 60 || !/^[{[]/.test(value)) {
    return null
  }
  try {
    return JSON.parse(value)
  } catch {
    return null
  }
}

const FORMS = [
  { name: 'CSV', accept: 'text/csv', file: 'podtrail.csv' },
  { name: 'NDJSON', accept: 'application/x-ndjson', file: 'podtrail.ndjson' },
  { name: 'Arrow', accept: 'application/vnd.apache.arrow.stream', file: 'podtrail.arrows' },
] as const

function Files({ request }: { request: Schemas['SqlRequest'] }) {
  const [busy, setBusy] = useState<string | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const download = (form: (typeof FORMS)[number]) => {
    setBusy(form.name)
    setError(null)
    sqlFile(request, form.accept)
      .then((blob) => keep(blob, form.file))
      .catch((reason: unknown) => setError(reason instanceof Error ? reason : new ApiError(0, 'The file could not be read.')))
      .finally(() => setBusy(null))
  }
  return (
    <>
      <span className="soft small">All rows as</span>
      {FORMS.map((form) => (
        <button key={form.name} type="button" className="button small" disabled={busy !== null} title={busy === null ? `Runs the statement again and saves ${form.file}` : 'A file is being made'} onClick={() => download(form)}>
          {busy === form.name ? `${form.name} …` : form.name}
        </button>
      ))}
      {error !== null && <Failed error={error} />}
    </>
  )
}

/** Hands a file to the browser's downloads. */
function keep(blob: Blob, name: string) {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken the file by then.
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
