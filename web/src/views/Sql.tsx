// Asks the tables by SQL. The statement is in the address; its rows come as table, chart or file.
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useMaySql } from '../api/queries'
import { CopyButton, PageHead } from '../components/basics'
import { Failed, Loading } from '../components/states'
import { useUrlControls } from '../state/url'
import { EXAMPLES } from './sql/examples'
import type { EditorHandle } from './sql/Editor'
import { Params } from './sql/Params'
import { Results } from './sql/Results'
import { useRun, type Run } from './sql/run'
import { useSchema } from './sql/schema'
import { Side } from './sql/Side'
import { errorAt, errorText, LONGEST_IN_ADDRESS, paramValues, placeholders, readParams, writeParams, type Param } from './sql/statement'
import './sql.css'

const Editor = lazy(() => import('./sql/Editor'))

/** Wait after the last key before the address changes. */
const TYPING_MS = 400

export default function Sql() {
  const [address, setAddress] = useUrlControls()
  const given = address.get('q')
  const [text, setText] = useState(given ?? EXAMPLES[0]?.query ?? '')
  // The editor holds the text; it is told only of a text that comes from elsewhere: one of its own, drawn late, would
  // undo what was typed since.
  const [replaced, setReplaced] = useState(() => ({ text }))
  const [params, setParams] = useState<Record<string, Param>>(() => readParams(address.get('params')))
  const editor = useRef<EditorHandle | null>(null)
  const ready = useCallback((handle: EditorHandle | null) => {
    editor.current = handle
  }, [])
  const may = useMaySql()
  const allowed = may !== false
  const schema = useSchema(may === true)
  const { run, start, cancel } = useRun()
  const names = useMemo(() => placeholders(text), [text])

  const go = useCallback(
    (query: string, values: Record<string, Param>) => {
      if (allowed && query.trim() !== '') {
        start({ query, params: paramValues(placeholders(query), values) })
      }
    },
    [allowed, start],
  )

  const replace = useCallback((query: string) => {
    setText(query)
    setReplaced({ text: query })
  }, [])

  // The address that this page wrote itself is no news; another one is run, as a link to a statement is meant.
  const written = useRef<string | null>(null)
  useEffect(() => {
    if (given !== null && given !== written.current) {
      written.current = given
      const values = readParams(address.get('params'))
      replace(given)
      setParams(values)
      go(given, values)
    }
    // The other values of the address change without the statement.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [given, go, replace])

  // Mounted again, as React does while developing, the page runs the statement of its address again.
  useEffect(
    () => () => {
      written.current = null
    },
    [],
  )

  const keep = useCallback(
    (query: string, values: Record<string, Param>) => {
      const kept = query.length > LONGEST_IN_ADDRESS ? null : query
      written.current = kept
      setAddress({ q: kept, params: kept === null ? null : writeParams(placeholders(query), values) })
    },
    [setAddress],
  )

  const typed = useRef(false)
  useEffect(() => {
    if (!typed.current) {
      return undefined
    }
    const timer = window.setTimeout(() => keep(text, params), TYPING_MS)
    return () => window.clearTimeout(timer)
  }, [text, params, keep])

  const runNow = (query: string) => {
    setAddress({ sort: null, x: null, y: null, series: null, kind: null })
    keep(query, params)
    go(query, params)
  }
  const write = (query: string) => {
    typed.current = true
    setText(query)
  }

  return (
    <>
      <PageHead
        title="SQL"
        lead="One statement that only reads, in the dialect of PostgreSQL. The time range and cluster above do not narrow it: say them in the statement."
      />
      <div className="grid sql-page">
        <div className="span-8 sql-main">
          <section className="panel" aria-label="Statement">
            <Suspense fallback={<Loading label="Loading the editor" />}>
              <Editor replaced={replaced} schema={schema.data} onText={write} onRun={runNow} onReady={ready} />
            </Suspense>
            <Params
              names={names}
              params={params}
              onParam={(name, param) => {
                typed.current = true
                setParams({ ...params, [name]: param })
              }}
            />
            <Bar run={run} allowed={allowed} text={text} onRun={() => runNow(text)} onCancel={cancel} onLink={() => keep(text, params)} />
          </section>
          <Outcome run={run} onGoTo={(offset) => editor.current?.goTo(offset)} text={text} />
        </div>
        <div className="span-4">
          <Side
            schema={schema}
            text={text}
            onUse={(query) => {
              setText(query)
              runNow(query)
            }}
            onInsert={(inserted) => editor.current?.insert(inserted)}
          />
        </div>
      </div>
    </>
  )
}

function Bar({
  run,
  allowed,
  text,
  onRun,
  onCancel,
  onLink,
}: {
  run: Run
  allowed: boolean
  text: string
  onRun: () => void
  onCancel: () => void
  onLink: () => void
}) {
  const empty = text.trim() === ''
  const long = text.length > LONGEST_IN_ADDRESS
  const why = !allowed ? 'Your token does not have the scope sql' : empty ? 'Write a statement first' : 'Control Enter runs it as well'
  return (
    <div className="sql-bar">
      <div className="row">
        {run.state === 'running' ? (
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        ) : (
          <button type="button" className="button primary" disabled={!allowed || empty} title={why} onClick={onRun}>
            Run
          </button>
        )}
        {run.state === 'running' && <Elapsed since={run.since} />}
        {!allowed && <span className="soft small">{why}: ask for one that has, to run statements.</span>}
      </div>
      <div className="row">
        <span className="soft small sql-keys">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs · <kbd>Esc</kbd> <kbd>Tab</kbd> leaves the editor
        </span>
        {long ? (
          <span className="soft small">Too long for the address: a link would not have the statement. Save it, or copy it.</span>
        ) : (
          <CopyButton
            text={() => {
              onLink()
              const link = new URL(window.location.href)
              link.searchParams.set('q', text)
              return link.href
            }}
            label="Copy link"
          />
        )}
        <CopyButton text={text} label="Copy SQL" />
      </div>
    </div>
  )
}

const TICK_MS = 100

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since)
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), TICK_MS)
    return () => window.clearInterval(timer)
  }, [])
  return <span className="soft">Running for {((now - since) / 1000).toFixed(1)} s</span>
}

function Outcome({ run, text, onGoTo }: { run: Run; text: string; onGoTo: (offset: number) => void }) {
  switch (run.state) {
    case 'idle':
      return (
        <div className="panel state">
          <h2>Nothing asked yet</h2>
          <p className="soft">Run the statement, or click a question: it is run at once. Statements only read.</p>
        </div>
      )
    case 'running':
      return (
        <div className="panel">
          <Loading label="Running the statement" lines={5} />
        </div>
      )
    case 'cancelled':
      return (
        <div className="panel state" role="status">
          <h2>Cancelled after {(run.milliseconds / 1000).toFixed(1)} s</h2>
          <p className="soft">The service has ended the statement.</p>
        </div>
      )
    case 'failed':
      return run.error.status === 400 || run.error.status === 422 ? <Wrong run={run} text={text} onGoTo={onGoTo} /> : <Failed error={run.error} />
    default:
      return <Results answer={run.answer} request={run.request} />
  }
}

/** Says what is wrong with a statement, and where. */
function Wrong({ run, text, onGoTo }: { run: Extract<Run, { state: 'failed' }>; text: string; onGoTo: (offset: number) => void }) {
  const detail = errorText(run.error.detail) ?? run.error.message
  const [first, ...rest] = detail.split('\n')
  const offset = run.query === text ? errorAt(run.query, run.error.detail) : null
  const line = offset === null ? null : run.query.slice(0, offset).split('\n').length
  return (
    <div className="panel state error" role="alert">
      <h2>{run.error.status === 422 ? 'The statement needs more than it may' : 'The statement is not accepted'}</h2>
      <p className="mono">{first}</p>
      {rest.length > 0 && (
        <details>
          <summary className="soft">More</summary>
          <p className="mono">{rest.join('\n')}</p>
        </details>
      )}
      {offset !== null && (
        <button type="button" className="button" onClick={() => onGoTo(offset)}>
          Go to line {line}
        </button>
      )}
      {run.error.status === 422 && <p className="soft">Ask for fewer rows with LIMIT, for fewer columns, or for activity_attribution where counts are enough.</p>}
      {run.error.requestId !== null && (
        <p className="soft small">
          Request <code>{run.error.requestId}</code>
        </p>
      )}
    </div>
  )
}
