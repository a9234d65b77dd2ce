// What can be told of an ARN: the service explains no ARN itself, but knows roles, and the calls of their sessions.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { useApi } from '../../api/queries'
import { CopyButton, Panel } from '../../components/basics'
import { DataTable } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { arnAccount, arnName, count } from '../../format'
import { useCarry } from '../../state/url'
import { columnsOf, keyOf } from './cells'
import { sqlText } from './statements'
import type { Row } from './story'
import type { Subject } from './subject'

type Arn = Extract<Subject, { arn: string }>

/** Newest calls of a role that are looked through for those of a session. */
const LOOKED_AT = 1000
const HIDDEN = ['identity_arn', 'identity_type', 'user_agent', 'role_arn', 'pod_uid', 'read_only', 'hops', 'score', 'recipient_account_id']

export function ArnStory({ asked }: { asked: Arn }) {
  if (asked.kind === 'other_arn') {
    return <OtherArn arn={asked.arn} />
  }
  return asked.kind === 'role' ? <RoleStory arn={asked.arn} /> : <SessionStory asked={asked} />
}

function OtherArn({ arn }: { arn: string }) {
  const to = useCarry()
  return (
    <Panel title="The service does not explain this kind of ARN">
      <div className="section">
        <p>
          It explains events, access keys, service accounts and pods; roles and their sessions are found by their ARN. Calls of other
          identities, such as IAM users, are in the table <code>events</code>.
        </p>
        <div className="row">
          <Link className="button" to={to('/sql', { q: sqlText.identity(arn) })}>
            Calls of this identity, by SQL
          </Link>
          <CopyButton text={arn} label="Copy the ARN" className="button" />
        </div>
      </div>
    </Panel>
  )
}

function RoleStory({ arn }: { arn: string }) {
  const to = useCarry()
  const calls = useApi('/api/v1/events', { query: { role_arn: arn, limit: 100 } })
  return (
    <>
      <Panel title={`Role ${arnName(arn)}`} note={arn}>
        <div className="section">
          <p>Who may use this role, who did, and by which binding is on the page of roles.</p>
          <div className="row">
            <Link className="button primary" to={to('/roles', { role_arn: arn })}>
              Open the role
            </Link>
            <Link className="button" to={to('/sql', { q: sqlText.assumed(arn) })}>
              Who assumed it, by SQL
            </Link>
          </div>
        </div>
      </Panel>
      <Panel title="Newest calls with this role" flush className="explain-table">
        <Answer query={calls}>{(data) => <Calls rows={data.items} note={data.next_token === null ? undefined : 'the newest 100 only'} />}</Answer>
      </Panel>
    </>
  )
}

function SessionStory({ asked }: { asked: Extract<Subject, { kind: 'role_session' }> }) {
  const to = useCarry()
  const roles = useApi('/api/v1/roles', { query: { limit: 10_000 } })
  // The ARN of a session leaves out the path of its role.
  const role = roles.data?.items.find((row) => arnName(row.role_arn) === asked.name && arnAccount(row.role_arn) === asked.account)?.role_arn
  const guess = role ?? `arn:aws:iam::${asked.account}:role/${asked.name}`
  const calls = useApi('/api/v1/events', { query: { role_arn: guess, limit: LOOKED_AT } }, { enabled: roles.data !== undefined || roles.error !== null })
  return (
    <>
      <Panel title={`Session ${asked.session} of role ${asked.name}`} note={asked.arn}>
        <div className="section">
          <p>
            The service explains a session by its calls and by its access key. Each call below tells the whole chain; the statement finds
            all calls, also where there are more than {count(LOOKED_AT)} newer ones of the role.
          </p>
          <div className="row">
            {asked.session.startsWith('i-') && (
              <Link className="button primary" to={to(`/nodes/${encodeURIComponent(asked.session)}`)}>
                Open the node
              </Link>
            )}
            <Link className="button" to={to('/roles', { role_arn: guess })}>
              Open the role
            </Link>
            <Link className="button" to={to('/sql', { q: sqlText.identity(asked.arn) })}>
              All its calls, by SQL
            </Link>
          </div>
        </div>
      </Panel>
      <Panel title="Its calls" flush className="explain-table">
        <Answer query={calls}>
          {(data) => (
            <Calls
              rows={data.items.filter((row) => row.identity_arn === asked.arn)}
              note={data.next_token === null ? undefined : `among the newest ${count(LOOKED_AT)} of the role`}
            />
          )}
        </Answer>
      </Panel>
    </>
  )
}

function Calls({ rows, note }: { rows: Schemas['EventRow'][]; note?: string | undefined }) {
  const plain: Row[] = rows.map((row) => ({ ...row }))
  return plain.length === 0 ? (
    <Empty title={`No call of it ${note ?? 'in the store'}.`}>
      <p>The statement above looks through all calls.</p>
    </Empty>
  ) : (
    <DataTable label="Table of calls" rows={plain} columns={columnsOf(plain, HIDDEN)} rowKey={keyOf} defaultSort="event_time.desc" {...(note === undefined ? {} : { note })} />
  )
}
