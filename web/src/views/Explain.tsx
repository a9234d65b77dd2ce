// Who did it, and how we know: the story of an event, an access key, a service account or a pod.
import { useEffect, useState, type FormEvent } from 'react'
import { Link } from 'react-router'
import { useApi } from '../api/queries'
import { CopyButton, PageHead, Panel } from '../components/basics'
import { Failed, Loading } from '../components/states'
import { useCarry, useUrlControl, useUrlValue } from '../state/url'
import { recentIds, remember } from './explain/recent'
import { Start } from './explain/Start'
import { sqlText } from '../statements'
import { story } from './explain/story'
import { StoryPanels } from './explain/StoryPanels'
import { explainedId, KINDS, subject, type Subject } from './explain/subject'
import './explain.css'

export default function Explain() {
  const [id] = useUrlValue('id')
  return (
    <>
      <PageHead
        title="Explain"
        lead="Who made a call, with which credentials, and how we know. Every statement rests on records, or on rows of the inventory, that open from here."
        tools={id === null ? undefined : <CopyButton text={() => window.location.href} label="Copy link" className="button" />}
      />
      <Ask />
      {id === null || id === '' ? <Start /> : <Told key={id} asked={subject(id)} />}
    </>
  )
}

function Ask() {
  const [id, onAsk] = useUrlControl('id')
  const [text, setText] = useState(id ?? '')
  const [seen, setSeen] = useState(id)
  if (seen !== id) {
    // A link on the page led to another id.
    setSeen(id)
    setText(id ?? '')
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onAsk(text.trim())
  }
  return (
    <form className="explain-ask" onSubmit={submit} role="search">
      <label htmlFor="explain-id" className="visually-hidden">
        Event id, access key id, ARN, or CLUSTER/NAMESPACE/SERVICE_ACCOUNT, with /POD for a pod
      </label>
      <input
        id="explain-id"
        type="search"
        className="mono"
        value={text}
        list="explain-recent"
        placeholder="Event id, access key id, ARN or cluster/namespace/service-account[/pod]"
        onChange={(event) => setText(event.target.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <datalist id="explain-recent">
        {recentIds().map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit" className="button primary" disabled={text.trim() === ''} title={text.trim() === '' ? 'Paste an id first' : undefined}>
        Explain
      </button>
      {id !== null && (
        <button type="button" className="button" onClick={() => onAsk(null)}>
          Examples
        </button>
      )}
    </form>
  )
}

function Told({ asked }: { asked: Subject }) {
  if (asked.kind === 'incomplete') {
    return <Incomplete text={asked.text} />
  }
  return <Explained asked={asked} />
}

function Explained({ asked }: { asked: Extract<Subject, { id: string }> }) {
  const id = explainedId(asked) ?? ''
  const query = useApi('/api/v1/explain/{id}', { path: { id } })
  const found = query.data !== undefined && !query.isPlaceholderData
  useEffect(() => {
    if (found) {
      remember(id)
    }
  }, [found, id])
  if (query.error?.status === 404) {
    return <NotFound asked={asked} detail={query.error.detail} />
  }
  if (query.error !== null) {
    return <Failed error={query.error} retry={() => void query.refetch()} />
  }
  // The answer of the id before would be taken for this one's.
  return query.data === undefined || query.isPlaceholderData ? <Loading label="Loading the story" lines={7} /> : <StoryPanels asked={asked} told={story(query.data)} />
}

function Incomplete({ text }: { text: string }) {
  const to = useCarry()
  return (
    <Panel title="The cluster is missing">
      <div className="section">
        <p>
          A service account is named by <code>CLUSTER/NAMESPACE/SERVICE_ACCOUNT</code>, a pod by the same with <code>/POD</code>. The
          cluster is a name, or the host and path of its OIDC issuer.
        </p>
        <Link to={to('/sql', { q: sqlText.pods(text.split('/').at(-1) ?? text) })}>Look for {text.split('/').at(-1)} in all clusters, by SQL</Link>
      </div>
    </Panel>
  )
}

/** What to look at where nothing is known, by kind. */
const NOT_FOUND: Record<Extract<Subject, { id: string }>['kind'], string[]> = {
  event: [
    'An event id is a UUID, as in the eventID of CloudTrail. A pod or service account needs its cluster and namespace before it, with slashes.',
    'CloudTrail delivers within about 15 minutes, and the store has it after the next run of ingestion: see Ingestion.',
    'Data events (S3 objects, DynamoDB items …) are there only where the trail records them.',
  ],
  access_key: [
    'Neither a call with this key nor the record that issued it is in the store: it may be from another account or region, or from a time that was not ingested.',
    'An access key id begins with AKIA (long-lived) or ASIA (of a session) and has 20 characters.',
  ],
  role: [
    'Neither a call, nor a record that issued credentials of it, nor the inventory shows this role. The path of a role may be left out; its account may not.',
    'Roles that nobody used are known from the inventory: podtrail inventory import.',
  ],
  role_session: [
    'No call shows this session, and no record in the store issued credentials to it: it may be from another account or region, or from a time that was not ingested.',
    'The ARN of a session leaves out the path of its role: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.',
  ],
  identity: ['No call of this identity is in the store: it may be from another account or region, or from a time that was not ingested.'],
  service_account: [
    'Neither a call nor the inventory shows it. Check the name of the cluster: where it is not known, the OIDC issuer stands for it.',
    'Without inventory only service accounts that made calls are known: podtrail inventory import.',
  ],
  pod: [
    'Neither a call nor the inventory shows this pod. Names of pods change with every roll-out; the service account may still be known.',
    'Without inventory only pods with EKS Pod Identity name themselves: podtrail inventory import.',
  ],
}

/** A kind within a sentence; `IAM role` stays. */
function named(kind: Subject['kind']): string {
  return KINDS[kind].replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())
}

function NotFound({ asked, detail }: { asked: Extract<Subject, { id: string }>; detail: string | null }) {
  const to = useCarry()
  return (
    <Panel title={`${KINDS[asked.kind]} not found`} {...(detail === null ? {} : { note: detail })}>
      <div className="section">
        <p>
          <code>{asked.id}</code> was looked up as {/^[aei]/i.test(KINDS[asked.kind]) ? 'an' : 'a'} {named(asked.kind)}.
        </p>
        <ul>
          {NOT_FOUND[asked.kind].map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <div className="row">
          {asked.kind === 'pod' && (
            <Link className="button" to={to('/explain', { id: [asked.cluster, asked.namespace, asked.serviceAccount].join('/') })}>
              Explain its service account
            </Link>
          )}
          <Link className="button" to={to('/ingestion')}>
            What the store covers
          </Link>
          <Link className="button" to={to('/sql', { q: sqlText.pods(asked.kind === 'event' ? asked.id : asked.id.split('/').at(-1) ?? asked.id) })}>
            Look for a pod of this name, by SQL
          </Link>
        </div>
      </div>
    </Panel>
  )
}
