// Small parts that every view is made of.
import { Fragment, useId, useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { ACCESS_PATHS, CONFIDENCE_MEANING, CONFIDENCE_TONE, CONFIDENCES, PATH_SERIES_NAMES, pathSeries, term, type Tone } from '../terms'
import { copyText } from '../clipboard'
import { arnName, scoreText } from '../format'
import { useNow } from '../state/now'
import { useCarry } from '../state/url'
import { ago, localTime, utcTime } from '../state/time'

/** A titled box. */
export function Panel({
  title,
  note,
  tools,
  flush = false,
  className = '',
  children,
}: {
  title: ReactNode
  note?: ReactNode
  tools?: ReactNode
  /** Without padding: for tables. */
  flush?: boolean
  className?: string
  children: ReactNode
}) {
  const id = useId()
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <div className="panel-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <p>{note}</p>}
        </div>
        {tools !== undefined && <div className="row">{tools}</div>}
      </div>
      <div className={flush ? 'panel-body flush' : 'panel-body'}>{children}</div>
    </section>
  )
}

/** Title of a page, and what it answers. */
export function PageHead({ title, lead, tools }: { title: ReactNode; lead?: ReactNode; tools?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {tools !== undefined && <div className="row">{tools}</div>}
    </header>
  )
}

/** A figure with its name and unit; a link where it leads on. */
export function Tile({
  name,
  figure,
  note,
  tone,
  to,
}: {
  name: string
  figure: ReactNode
  note?: ReactNode
  tone?: Tone
  to?: string
}) {
  const body = (
    <>
      <span className="name">{name}</span>
      <span className="figure">{figure}</span>
      {note !== undefined && <span className="note">{note}</span>}
    </>
  )
  const className = `tile ${tone ?? ''}`
  return to === undefined ? (
    <div className={className}>{body}</div>
  ) : (
    <Link className={className} to={to}>
      {body}
    </Link>
  )
}

export function Badge({ tone = 'mute', title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  )
}

export function Confidence({ value }: { value: string | null | undefined }) {
  return value === null || value === undefined ? (
    <span className="soft">–</span>
  ) : (
    <Badge tone={CONFIDENCE_TONE[value] ?? 'mute'} title={CONFIDENCE_MEANING[value] ?? value}>
      {term(CONFIDENCES, value)}
    </Badge>
  )
}

/** An access path with the colour that it has in charts; with an actor, the node role is told apart by it. */
export function AccessPath({ value, actor }: { value: string | null | undefined; actor?: string | null }) {
  const series = pathSeries(value, actor ?? 'workload')
  const name = actor !== undefined && series !== null ? PATH_SERIES_NAMES[series] : term(ACCESS_PATHS, value)
  return (
    <span className="row nowrap" style={{ gap: 6, flexWrap: 'nowrap' }}>
      {series !== null && <span className={`dot swatch-${series}`} aria-hidden="true" />}
      {name}
    </span>
  )
}

/** A time in UTC; the reader's own zone and how long ago are in its tooltip. */
export function Time({ value }: { value: string | null | undefined }) {
  if (value === null || value === undefined) {
    return <span className="soft">–</span>
  }
  return (
    <time className="nowrap" dateTime={value} title={`${localTime(value)} (local) · ${utcTime(value)} UTC · ${ago(value)}`}>
      {utcTime(value)}
    </time>
  )
}

/** How long ago a time was: `5 min`, with `ago` unless that is said beside it. It goes on while the page is open. */
export function Age({ value, bare = false }: { value: string; bare?: boolean }) {
  const said = ago(value, useNow())
  return <>{bare ? said.replace(/ ago$/, '') : said}</>
}

/** Where a name may go on in the next line: behind what parts it, and before its inner words. Browsers break at hyphens alone. */
const SEAMS = /(?<=[/_:@])(?=.)|(?<=\.)(?=\D)|(?<=[a-z])(?=[A-Z])/

/** A name that goes on in the next line between its words, not within one. */
export function Name({ text }: { text: string }) {
  return (
    <>
      {text.split(SEAMS).map((part, at) => (
        // Parts of a name have no key but their place.
        // oxlint-disable-next-line react/no-array-index-key
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  )
}

/** A role by its name; the whole ARN is in its tooltip. */
export function Role({ arn, link = true }: { arn: string | null | undefined; link?: boolean }) {
  const to = useCarry()
  if (arn === null || arn === undefined) {
    return <span className="soft">–</span>
  }
  return link ? (
    <Link to={to('/roles', { role_arn: arn })} title={arn}>
      <Name text={arnName(arn)} />
    </Link>
  ) : (
    <span title={arn}>
      <Name text={arnName(arn)} />
    </span>
  )
}

/** Address of a workload's page. */
export function workloadPath(cluster: string, namespace: string, serviceAccount: string): string {
  return `/workloads/${encodeURIComponent(cluster)}/${encodeURIComponent(namespace)}/${encodeURIComponent(serviceAccount)}`
}

/** A service account, linked to its workload's page. */
export function ServiceAccount({
  cluster,
  namespace,
  name,
}: {
  cluster: string | null | undefined
  namespace: string | null | undefined
  name: string | null | undefined
}) {
  const to = useCarry()
  if (namespace === null || namespace === undefined || name === null || name === undefined) {
    return <span className="soft">not known</span>
  }
  const text = <Name text={`${namespace}/${name}`} />
  return cluster === null || cluster === undefined ? (
    text
  ) : (
    <Link to={to(workloadPath(cluster, namespace, name))}>{text}</Link>
  )
}

/** An event, linked to its story. */
export function EventLink({ id, children }: { id: string | null | undefined; children?: ReactNode }) {
  const to = useCarry()
  return id === null || id === undefined ? (
    <span className="soft">–</span>
  ) : (
    <Link className="mono" to={to('/explain', { id })}>
      {children ?? id}
    </Link>
  )
}

/** The same by the beginning of its id: for tables. */
export function ShortEventLink({ id }: { id: string | null | undefined }) {
  return <EventLink id={id}>{id === null || id === undefined ? null : `${id.slice(0, 8)}…`}</EventLink>
}

export function NodeLink({ node }: { node: string | null | undefined }) {
  const to = useCarry()
  return node === null || node === undefined ? (
    <span className="soft">–</span>
  ) : (
    <Link className="mono" to={to(`/nodes/${encodeURIComponent(node)}`)}>
      {node}
    </Link>
  )
}

/** A button that copies text and says so. */
export function CopyButton({
  text,
  label = 'Copy',
  className = 'button small',
}: {
  text: string | (() => string)
  label?: string
  className?: string
}) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  const copy = () => {
    copyText(typeof text === 'string' ? text : text()).then(
      () => setState('copied'),
      () => setState('failed'),
    )
    window.setTimeout(() => setState('idle'), 2000)
  }
  return (
    <>
      <button type="button" className={className} onClick={copy}>
        {state === 'copied' ? 'Copied' : state === 'failed' ? 'Not allowed' : label}
      </button>
      <span className="visually-hidden" role="status">
        {state === 'copied' ? 'Copied to the clipboard' : state === 'failed' ? 'The browser did not allow to copy' : ''}
      </span>
    </>
  )
}

/** A command with a button that copies it. */
export function Run({ command }: { command: string }) {
  return (
    <span className="run">
      <code>{command}</code>
      <CopyButton text={command} label="Copy" />
    </span>
  )
}

/** A text of code with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div className="code">
      {/* Scrollable, so that the keyboard has to reach it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label="Copy" />
    </div>
  )
}

/** Names and values, one below the other. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <FactRow key={name} name={name} value={value} />
      ))}
    </dl>
  )
}

function FactRow({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

/** A score from 0 to 1 as a bar and a number. */
export function Score({ value }: { value: number | null | undefined }) {
  if (value === null || value === undefined) {
    return <span className="soft">–</span>
  }
  return (
    <span className="nowrap" title="1 is certain">
      <span className="meter" aria-hidden="true">
        <span style={{ width: `${Math.round(value * 100)}%` }} />
      </span>{' '}
      {scoreText(value)}
    </span>
  )
}
