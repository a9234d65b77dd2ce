// A story: the chain, the verdict, what it rests on, and the record itself.
import { Link } from 'react-router'
import { Badge, Code, Confidence, Panel, Score } from '../../components/basics'
import { DataTable } from '../../components/DataTable'
import { Evidence } from '../../components/Evidence'
import { aboutOf } from '../../components/sources'
import { json } from '../../format'
import { useCarry } from '../../state/url'
import { CAUSES, CONFIDENCE_MEANING } from '../../terms'
import { evidenceOf as evidenceOfFallback } from '../fallbacks/fallback'
import { columnsOf, keyOf } from './cells'
import { better } from './certainty'
import { Chain } from './ChainView'
import { aboutStory, evidenceOf } from './evidence'
import { eventChain, keyChain, roleChain, workloadChain } from './ways'
import { sqlText } from '../../statements'
import type { Step } from './steps'
import { confidence, isCut, isShared, MOST_OF_SECTION, number, sentence, sessionsOf, text, type Missing, type Row, type Story } from './story'
import type { Asked } from './subject'

export function StoryPanels({ asked, told }: { asked: Asked; told: Story }) {
  const more = better(told)
  const sure = confidence(told)
  return (
    <>
      <Panel title={sentence(told)} className="explain-verdict" tools={asked.kind === 'role' ? undefined : <Sure value={sure} score={number(told.attribution, 'score')} />}>
        <Way steps={steps(asked, told)} />
        {sure !== null && (
          <p className="soft small explain-note">
            Confidence {sure}: {CONFIDENCE_MEANING[sure]}
          </p>
        )}
      </Panel>
      <div className="grid">
        <Panel
          title="Evidence"
          note={asked.kind === 'event' ? 'What the attribution rests on, in the order it was found.' : 'What this rests on. Records and rows of the inventory open from here, and from the tables below.'}
          className={more.length > 0 ? 'span-7' : ''}
        >
          {asked.kind === 'event' && told.attribution === null ? <p className="soft">No evidence ties this call to a cluster.</p> : <Evidence list={evidenceOf(told, asked)} about={aboutStory(told, asked)} />}
        </Panel>
        {more.length > 0 && (
          <Panel title="What would make it more certain" className="span-5">
            <Better list={more} />
          </Panel>
        )}
      </div>
      {told.sections
        .filter((section) => section.rows.length > 0)
        .map((section) => (
          <SectionPanel key={section.title} title={section.title} rows={section.rows} />
        ))}
      <NotSeen titles={told.sections.filter((section) => section.rows.length === 0).map((section) => section.title)} />
      {told.event !== null && <RecordPanel event={told.event} />}
      <Further asked={asked} />
    </>
  )
}

function steps(asked: Asked, told: Story): Step[] {
  switch (asked.kind) {
    case 'event':
      return eventChain(told, sessionsOf(told))
    case 'access_key':
    case 'role_session':
    case 'identity':
      return isShared(told) ? [] : keyChain(told, sessionsOf(told))
    case 'role':
      return roleChain(told, asked.id)
    default:
      return workloadChain(told, asked)
  }
}

function Way({ steps: way }: { steps: Step[] }) {
  return way.length === 0 ? null : <Chain label="The way of the credentials" steps={way} />
}

function Sure({ value, score }: { value: string | null; score: number | null }) {
  return value === null ? (
    <Badge title="No identity of a cluster is known to be behind it">Not attributed</Badge>
  ) : (
    <>
      <Confidence value={value} />
      {score !== null && value === 'candidate' && <Score value={score} />}
    </>
  )
}

function Better({ list }: { list: Missing[] }) {
  return (
    <ul className="explain-better">
      {list.map((one) => (
        <li key={one.text}>
          {one.text}
          {one.command !== null && <Code text={one.command} label="Command" />}
        </li>
      ))}
    </ul>
  )
}

/** Titles of sections, and what an empty one means. */
const TITLES: Record<string, { title: string; empty: string }> = {
  'issued to': { title: 'Issued to', empty: 'No record in the store issued it.' },
  'shown by': { title: 'Shown by', empty: 'No call shows it.' },
  chain: { title: 'Sessions behind it', empty: 'It was assumed from no other session.' },
  calls: { title: 'Calls', empty: 'No calls in the store.' },
  'node role of': { title: 'Node role of', empty: 'Nothing shows that it is the role of nodes.' },
  'used by': { title: 'Used by', empty: 'No identity of a cluster was seen to use it.' },
  'bound to': { title: 'Bound to', empty: 'No service account is bound to it: neither by IRSA nor by EKS Pod Identity.' },
  'credentials issued to': { title: 'Credentials issued to', empty: 'No record shows that an identity of a cluster was issued credentials of it.' },
  'in the inventory': { title: 'In the inventory', empty: 'The inventory does not show it.' },
  'sessions without an issuing record': { title: 'Sessions without an issuing record', empty: 'Of every session of it that made a call, the store has the issuing record, or it is a node’s.' },
  bindings: { title: 'Bindings', empty: 'No role is bound to it: neither by IRSA nor by EKS Pod Identity.' },
  refused: { title: 'Refused', empty: 'No role refused it.' },
  pods: { title: 'Pods', empty: 'The inventory shows no pod.' },
  'why it falls back to the node role': { title: 'Why it falls back to the node role', empty: 'It was not seen to use a node’s role.' },
}

const FALLBACK = 'why it falls back to the node role'

/** What was looked for and not found: as telling as what was. */
function NotSeen({ titles }: { titles: string[] }) {
  return titles.length === 0 ? null : (
    <Panel title="Not found">
      <ul className="explain-better">
        {titles.map((title) => (
          <li key={title}>{TITLES[title]?.empty ?? title}</li>
        ))}
      </ul>
    </Panel>
  )
}

function SectionPanel({ title, rows }: { title: string; rows: Row[] }) {
  const head = TITLES[title]?.title ?? `${title.charAt(0).toUpperCase()}${title.slice(1)}`
  if (title === FALLBACK) {
    return (
      <Panel title={head}>
        <div className="section">
          {rows.map((row) => (
            <FallbackStory key={text(row, 'id') ?? keyOf(row)} row={row} />
          ))}
        </div>
      </Panel>
    )
  }
  return (
    <Panel title={head} flush className="explain-table" {...(isCut(rows) ? { note: `The first ${MOST_OF_SECTION} rows.` } : {})}>
      <DataTable label={`Table: ${head}`} rows={rows} columns={columnsOf(rows)} rowKey={keyOf} sortParameter={`sort_${title.replaceAll(' ', '_')}`} />
    </Panel>
  )
}

function FallbackStory({ row }: { row: Row }) {
  const to = useCarry()
  const cause = text(row, 'cause') ?? 'unknown'
  const summary = json<{ summary?: string }>(text(row, 'fix'))?.summary
  const { list, trustPolicy } = evidenceOfFallback({ evidence: text(row, 'evidence'), namespace: text(row, 'namespace'), service_account: text(row, 'service_account') })
  return (
    <section className="section">
      <p>
        <strong>{CAUSES[cause]?.name ?? cause}.</strong> {CAUSES[cause]?.meaning}
      </p>
      {summary !== undefined && <p>{summary}</p>}
      <p>
        <Link to={to('/fallbacks', { open: text(row, 'id') })}>How to fix it: commands, Terraform and a policy</Link>
      </p>
      <Evidence list={list} about={aboutOf(row)} renderMore={(fact) => fact.fact === 'trust_policy' && trustPolicy !== null && <Code text={trustPolicy} label="Trust policy" />} />
    </section>
  )
}

/** The columns of a record that hold JSON are shown as what they hold. */
function readable(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === 'string' && /^[{[]/.test(value) ? (json(value) ?? value) : value]),
  )
}

function RecordPanel({ event }: { event: Row }) {
  const to = useCarry()
  const id = text(event, 'event_id') ?? ''
  const key = text(event, 'access_key_id')
  return (
    <Panel
      title="Record"
      note="The columns of the record that tell who made the call."
      tools={
        <>
          {key !== null && (
            <Link className="button small" to={to('/sql', { q: sqlText.key(key) })}>
              Calls with the same key
            </Link>
          )}
          <Link className="button small" to={to('/sql', { q: sqlText.event(id) })}>
            All columns, by SQL
          </Link>
        </>
      }
    >
      <details className="explain-record">
        <summary>Show as JSON</summary>
        <Code label="The record as JSON" text={JSON.stringify(readable(event), null, 2)} />
      </details>
    </Panel>
  )
}

/** Where to go on. */
function Further({ asked }: { asked: Asked }) {
  const to = useCarry()
  switch (asked.kind) {
    case 'access_key':
      return (
        <p>
          <Link to={to('/sql', { q: sqlText.key(asked.id) })}>All calls with this key, one by one, by SQL</Link>
        </p>
      )
    case 'role':
      return (
        <div className="row">
          <Link className="button" to={to('/roles', { role_arn: asked.id })}>
            Open the role
          </Link>
          <Link className="button" to={to('/sql', { q: sqlText.assumed(asked.id) })}>
            Who assumed it, by SQL
          </Link>
        </div>
      )
    case 'role_session':
    case 'identity':
      return (
        <div className="row">
          {asked.kind === 'role_session' && asked.session.startsWith('i-') && (
            <Link className="button" to={to(`/nodes/${encodeURIComponent(asked.session)}`)}>
              Open the node
            </Link>
          )}
          <Link className="button" to={to('/sql', { q: sqlText.identity(asked.id) })}>
            All its calls, one by one, by SQL
          </Link>
        </div>
      )
    default:
      return null
  }
}
