// Examples from the store itself, and what was explained before in this tab: for those who have no id at hand.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { useApi } from '../../api/queries'
import { Confidence, EventLink, Panel, ServiceAccount, ShortEventLink, Time } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { facts } from '../../components/Evidence'
import { Answer } from '../../components/states'
import { service, words } from '../../format'
import { useCarry } from '../../state/url'
import { ACCESS_PATHS, term } from '../../terms'
import { recentIds } from './recent'
import { KINDS, subject } from './subject'

type EventRow = Schemas['EventRow']

const COLUMNS: Column<EventRow>[] = [
  { id: 'event_time', header: 'Time, UTC', value: (row) => row.event_time, cell: (row) => <Time value={row.event_time} /> },
  {
    id: 'event_name',
    header: 'Call',
    value: (row) => row.event_name,
    cell: (row) => (
      <span className="nowrap">
        {service(row.event_source)}:{row.event_name}
      </span>
    ),
  },
  {
    id: 'service_account',
    header: 'Made by',
    value: (row) => row.service_account ?? row.component ?? row.identity_type,
    cell: (row) =>
      row.service_account !== null ? (
        <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={row.service_account} />
      ) : row.access_path === null ? (
        <span className="soft">no identity of a cluster</span>
      ) : (
        <>{row.component ?? 'not known'}</>
      ),
  },
  { id: 'access_path', header: 'Access path', value: (row) => row.access_path, cell: (row) => <span className="nowrap">{term(ACCESS_PATHS, row.access_path)}</span> },
  { id: 'confidence', header: 'Confidence', value: (row) => row.confidence, cell: (row) => <Confidence value={row.confidence} /> },
  { id: 'event_id', header: 'Explain', value: (row) => row.event_id, cell: (row) => <ShortEventLink id={row.event_id} /> },
]

const EXAMPLES = 5
/** Fallbacks looked at for one whose pod is named. */
const LOOKED_AT = 50

export function Start() {
  const newest = useApi('/api/v1/events', { query: { limit: EXAMPLES } })
  const fallbacks = useApi('/api/v1/fallbacks', { query: { limit: LOOKED_AT } })
  return (
    <>
      <Recent />
      <Panel title="Kinds of things that can be explained" note="Each example is from this store: click one.">
        <Kinds newest={newest.data?.items} fallbacks={fallbacks.data?.items} waiting={newest.isLoading || fallbacks.isLoading} failed={newest.isError || fallbacks.isError} />
      </Panel>
      <Panel title="Newest calls" flush className="explain-table">
        <Answer query={newest}>
          {(data) => <DataTable label="Table of the newest calls" rows={data.items} columns={COLUMNS} rowKey={(row) => row.event_id ?? ''} defaultSort="event_time.desc" />}
        </Answer>
      </Panel>
    </>
  )
}

function Recent() {
  const to = useCarry()
  const ids = recentIds()
  return ids.length === 0 ? null : (
    <Panel title="Explained in this tab">
      <ul className="explain-recent">
        {ids.map((id) => (
          <li key={id}>
            <span className="soft small">{KINDS[subject(id).kind]}</span>{' '}
            <Link className="mono" to={to('/explain', { id })}>
              {id}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** Ids that are examples of each kind. */
function Kinds({
  newest = [],
  fallbacks = [],
  waiting,
  failed,
}: {
  newest?: EventRow[] | undefined
  fallbacks?: Schemas['FallbackRow'][] | undefined
  waiting: boolean
  failed: boolean
}) {
  const keyed = newest.find((row) => row.access_key_id !== null && row.access_path !== null)
  const named = newest.find((row) => row.cluster !== null && row.service_account !== null)
  const fallen = fallbacks.find((row) => row.cluster !== null && row.service_account !== null && words(row.pods).length > 0)
  const fallback = facts(fallen?.evidence).find((fact) => typeof fact.event_id === 'string')?.event_id
  const account = named === undefined ? null : `${named.cluster}/${named.namespace}/${named.service_account}`
  const pod = fallen === undefined ? null : `${fallen.cluster}/${fallen.namespace}/${fallen.service_account}/${words(fallen.pods)[0]}`
  const kinds: [string, string, string | null | undefined][] = [
    ['An event', 'Who made this call, with which credentials, and how sure that is.', newest[0]?.event_id],
    ['A call that fell back to the node role', 'Which pod of the node it was, or why that cannot be told.', fallback],
    ['An access key', 'To whom it was issued, who showed it, and what was called with it.', keyed?.access_key_id],
    ['A service account', 'cluster/namespace/service-account: its bindings, roles, calls and pods.', account],
    ['A pod', 'cluster/namespace/service-account/pod: the same, of one pod.', pod],
    ['A role, or a session of one', 'By its ARN: who uses the role and who may, or whose the session is.', keyed?.identity_arn],
  ]
  return (
    <dl className="explain-kinds">
      {kinds.map(([name, meaning, id]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="soft">{meaning}</dd>
          <dd>{id === null || id === undefined ? <span className="soft small">{waiting ? 'looking for one …' : failed ? 'an example could not be read' : 'no example in this store'}</span> : <EventLink id={id} />}</dd>
        </div>
      ))}
    </dl>
  )
}
