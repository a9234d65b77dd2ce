// Columns of rows whose shape is known only when they come: by the names that the API gives to columns everywhere.
import { Link } from 'react-router'
import { AccessPath, Badge, Confidence, EventLink, NodeLink, Role, Score, ServiceAccount, Time } from '../../components/basics'
import type { Column } from '../../components/DataTable'
import { exact, service } from '../../format'
import { useCarry } from '../../state/url'
import { ACCESS_PATHS, ACTORS, CAUSES, proof, term } from '../../terms'
import { text, type Row } from './story'

export type Scalar = string | number | boolean | null

/** A value as a table sorts and copies it; lists and objects as JSON. */
export function scalar(value: unknown): Scalar {
  if (value === null || value === undefined) {
    return null
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : JSON.stringify(value)
}

/** Tells whether a text is an RFC 3339 time. */
export function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)
}

function ExplainLink({ id }: { id: string }) {
  const to = useCarry()
  return (
    <Link className="mono" to={to('/explain', { id })}>
      {id}
    </Link>
  )
}

/** A cell by its column's name; texts of other columns as they are. */
export function Cell({ name, row }: { name: string; row: Row }) {
  const value = scalar(row[name])
  if (value === null || value === '') {
    return <span className="soft">–</span>
  }
  if (typeof value !== 'string') {
    return name === 'score' && typeof value === 'number' ? <Score value={value} /> : <>{typeof value === 'boolean' ? (value ? 'yes' : 'no') : exact(value)}</>
  }
  if (isTime(value)) {
    return <Time value={value} />
  }
  switch (name) {
    case 'event_id':
    case 'shared_event_id':
      return name === 'event_id' ? <EventLink id={value} /> : <span className="mono">{value}</span>
    case 'access_key_id':
    case 'parent_access_key_id':
    case 'issued_access_key_id':
      return <ExplainLink id={value} />
    case 'role_arn':
    case 'parent_role_arn':
    case 'session_issuer_arn':
    case 'issued_role_arn':
      return <Role arn={value} />
    case 'instance_id':
      return <NodeLink node={value} />
    case 'node':
      return value.startsWith('i-') ? <NodeLink node={value} /> : <>{value}</>
    case 'service_account':
      return typeof row.namespace === 'string' && typeof row.cluster === 'string' ? (
        <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={value} />
      ) : (
        <>{value}</>
      )
    case 'access_path':
    case 'mechanism':
      return <AccessPath value={value} {...(typeof row.actor === 'string' ? { actor: row.actor } : {})} />
    case 'confidence':
      return <Confidence value={value} />
    case 'event_source':
      return <span title={value}>{service(value)}</span>
    case 'actor':
      return <>{term(ACTORS, value)}</>
    case 'injected':
      return <>{value === 'none' ? 'none' : term(ACCESS_PATHS, value)}</>
    case 'proof':
      return <>{proof(value)}</>
    case 'error_code':
      return <Badge tone="bad">{value}</Badge>
    case 'cause':
      return <span title={CAUSES[value]?.meaning}>{CAUSES[value]?.name ?? value}</span>
    default:
      return <span className={value.startsWith('{') || value.startsWith('[') ? 'mono' : undefined}>{value}</span>
  }
}

/** Heads of columns whose names are not the words that pages use. */
const HEADS: Record<string, string> = {
  actor: 'Made by',
  component: 'Program',
  error_code: 'Error',
  event_id: 'Event',
  event_name: 'Call',
  event_source: 'Service',
  host_network: 'Host network',
  identity_arn: 'Identity',
  identity_type: 'Type of identity',
  injected: 'Credentials injected',
  instance_id: 'Node',
  invoked_by: 'Through',
  mechanism: 'Access path',
  parent_access_key_id: 'Asked for with key',
  pod_ip: 'Address',
  proof: 'Known from',
  recipient_account_id: 'Account',
  role_arn: 'Role',
  session_created_at: 'Session made',
  valid_from: 'There from',
  valid_to: 'Gone by',
  wildcard: 'More than named accounts',
}

/** Words for a column's head: `First seen` for `first_seen`. */
export function head(name: string): string {
  const own = HEADS[name]
  if (own !== undefined) {
    return own
  }
  const words = name.replaceAll('_', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`.replace(/\b(id|arn|ip|uid|aws)\b/gi, (word) => word.toUpperCase())
}

/** Columns with long texts. */
const LONG = ['identity_arn', 'user_agent', 'node', 'source_object', 'actions', 'pods']

/** Columns of a section, those that matter most first. */
const FIRST = ['event_time', 'workload', 'pod', 'instance_id', 'pod_ip', 'namespace', 'service_account', 'event_source', 'event_name', 'error_code', 'calls', 'access_path', 'mechanism', 'role_arn', 'hops', 'confidence']
const LAST = ['host_network', 'injected', 'node', 'first_seen', 'last_seen', 'valid_from', 'valid_to', 'event_id', 'pod_uid']

function rank(name: string): number {
  const first = FIRST.indexOf(name)
  const last = LAST.indexOf(name)
  return first >= 0 ? first : last >= 0 ? 1000 + last : 100
}

/** A column for each name that a row has a value for. */
export function columnsOf(rows: readonly Row[], without: readonly string[] = []): Column<Row>[] {
  const names = new Set<string>()
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      if (row[name] !== null && !without.includes(name)) {
        names.add(name)
      }
    }
  }
  return [...names]
    .toSorted((a, b) => rank(a) - rank(b))
    .map((name) => ({
      id: name,
      // Where both are there, one is the instance and one its name.
      header: name === 'node' && names.has('instance_id') ? 'Node name' : head(name),
      value: (row: Row) => scalar(row[name]),
      cell: (row: Row) => <Cell name={name} row={row} />,
      number: rows.some((row) => typeof row[name] === 'number'),
      clip: LONG.includes(name),
    }))
}

/** A key for a row that has none of its own. */
export function keyOf(row: Row): string {
  return text(row, 'event_id') ?? JSON.stringify(row)
}
