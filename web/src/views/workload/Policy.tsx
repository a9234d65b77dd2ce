// What a policy has to allow, from the calls seen, beside what is known of what is granted.
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { ApiError, Schemas } from '../../api/client'
import { useApi } from '../../api/queries'
import { Badge, Code, Facts, Panel, Role, Time } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { Section } from '../../components/Drawer'
import { Toggle } from '../../components/Filters'
import { Answer, Empty, Loading } from '../../components/states'
import { arnAccount, count, service } from '../../format'
import { policyText } from '../../policy'
import { useUrlValue } from '../../state/url'
import { allowedName, compareCommands, names, noteTitle, policyKind, sentence } from './compare'

export interface WorkloadName {
  cluster: string
  namespace: string
  service_account: string
}

const UNMAPPED_COLUMNS: Column<Schemas['UnmappedCall']>[] = [
  { id: 'call', header: 'Call', value: (row) => `${service(row.event_source)}:${row.event_name}` },
  { id: 'reason', header: 'Why no action is known', value: (row) => row.reason },
  { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true },
]

/** Roles of its own, whose policies are the workload's: not the node's, and not those that it assumed. */
export function Policy({ name, roles }: { name: WorkloadName; roles: readonly string[] }) {
  const [denied] = useUrlValue('include_denied')
  const policy = useApi('/api/v1/workloads/{cluster}/{namespace}/{service_account}/policy', {
    path: name,
    query: { include_denied: denied !== null },
  })
  return (
    <div className="grid">
      <div className="span-7 workload-column">
        <Panel
          title="Least-privilege policy"
          note="Allows what the workload called with its own credentials, and no more: from all calls in the store, whatever time range is chosen. What it did with roles that it assumed is those roles’ business."
          tools={
            <Toggle name="include_denied" label="Grant refused calls too" title="Also allow what was refused for lack of permission" />
          }
        >
          {policy.error?.status === 404 ? (
            <Empty title="No call to make a policy of.">
              <p>The store shows no call of it with credentials of its own.</p>
            </Empty>
          ) : (
            <Answer query={policy}>{(answer) => <Documents answer={answer} />}</Answer>
          )}
        </Panel>
      </div>
      <div className="span-5 workload-column">
        <Granted name={name} roles={roles} policy={policy} />
      </div>
    </div>
  )
}

function Documents({ answer }: { answer: Schemas['PolicyAnswer'] }) {
  return (
    <div className="workload-column">
      {answer.documents.length === 0 && <p>No call of it needs a permission: there is nothing to allow.</p>}
      {answer.documents.map((document, index) => {
        const text = policyText(document)
        const label = answer.documents.length === 1 ? 'Policy' : `Policy ${index + 1} of ${answer.documents.length}`
        return (
          <div key={text} className="section">
            {answer.documents.length > 1 && <h3>{label}</h3>}
            <Code text={text} label={label} />
          </div>
        )
      })}
      {answer.notes.length > 0 && (
        <Section title="Before you use it">
          <ul className="policy-notes">
            {answer.notes.map((note) => (
              <li key={`${note.code} ${note.text}`}>
                <strong>{noteTitle(note.code)}</strong>
                <Text text={sentence(note.text)} />
              </li>
            ))}
          </ul>
        </Section>
      )}
      {answer.unmapped.length > 0 && (
        <Section title="Calls without a known action: the policy does not allow them">
          <DataTable
            label="Table of calls without a known action"
            rows={answer.unmapped}
            columns={UNMAPPED_COLUMNS}
            rowKey={(row) => `${row.event_source} ${row.event_name}`}
            defaultSort="calls.desc"
            sortParameter="sort_unmapped"
          />
        </Section>
      )}
    </div>
  )
}

/** Notes longer than this are cut until they are opened. */
const LONG = 180

function Text({ text }: { text: string }) {
  const cut = text.indexOf('(')
  if (text.length <= LONG || cut < 0) {
    return <p>{text}</p>
  }
  return (
    <details>
      <summary>{text.slice(0, cut).trim()} …</summary>
      <p className="soft small">{text.slice(cut)}</p>
    </details>
  )
}

function Granted({ name, roles, policy }: { name: WorkloadName; roles: readonly string[]; policy: UseQueryResult<Schemas['PolicyAnswer'], ApiError> }) {
  return (
    <Panel title="What is granted" note="What the policies of its roles allow, beside what of it this workload used: from all calls in the store.">
      {roles.length === 0 ? (
        <p>
          It has no role of its own: no session by IRSA or EKS Pod Identity was seen. Give it one with the policy beside; the tab Overview
          says what it used instead.
        </p>
      ) : (
        <div className="workload-column">
          {roles.map((arn) => (
            <RoleGrants key={arn} name={name} arn={arn} policy={policy} />
          ))}
        </div>
      )}
    </Panel>
  )
}

function RoleGrants({ name, arn, policy }: { name: WorkloadName; arn: string; policy: UseQueryResult<Schemas['PolicyAnswer'], ApiError> }) {
  const roles = useApi('/api/v1/roles', { query: { role_arn: arn } })
  const granted = policy.data?.granted.find((role) => role.role_arn === arn)
  return (
    <Section title={<Role arn={arn} />}>
      <Answer query={roles} lines={2}>
        {(answer) => <Known name={name} row={answer.items[0]} arn={arn} granted={granted} />}
      </Answer>
      {policy.data === undefined ? <NotYet failed={policy.error !== null} /> : <Permissions granted={granted} />}
      <details>
        <summary>Compare with IAM Access Analyzer</summary>
        <Code text={compareCommands(arn)} label={`Commands that compare what ${arn} is granted`} />
        <p className="soft small">Save the policy beside as seen.json first. Access Analyzer charges for each check.</p>
      </details>
    </Section>
  )
}

/** What is granted comes with the policy: without one, it is not known whether the inventory has it. */
function NotYet({ failed }: { failed: boolean }) {
  return failed ? <p>Not known: what its policies allow comes with the policy beside, which could not be made.</p> : <Loading lines={2} />
}

function Permissions({ granted }: { granted: Schemas['GrantedRole'] | undefined }) {
  return granted?.observed_at === undefined || granted.observed_at === null ? (
    <p>
      Its permission policies are not in the inventory. Collect them with <code>podtrail inventory collect</code>, or save what{' '}
      <code>aws iam get-account-authorization-details</code> prints and import it.
    </p>
  ) : (
    <Allows granted={granted} />
  )
}

const ALLOWED_COLUMNS: Column<Schemas['AllowedAction']>[] = [
  { id: 'action', header: 'Allowed', value: allowedName, cell: (row) => <span className="mono">{allowedName(row)}</span> },
  {
    id: 'used',
    header: 'Used here',
    value: (row) => row.used.length,
    cell: (row) => (row.used.length === 0 ? <Badge tone="warn">not seen</Badge> : <span className="mono">{row.used.join(' ')}</span>),
  },
]

function Allows({ granted }: { granted: Schemas['GrantedRole'] }) {
  return (
    <>
      <DataTable
        label={`Table of actions that ${granted.role_arn} allows`}
        rows={granted.allows}
        columns={ALLOWED_COLUMNS}
        rowKey={allowedName}
        defaultSort="used.asc"
        sortParameter="sort_allowed"
      />
      {granted.allowed_elsewhere.length > 0 && (
        <p>
          Used, though no policy of the role allows it: <span className="mono">{granted.allowed_elsewhere.join(' ')}</span>. The resource
          allows it, or a policy that has gone since.
        </p>
      )}
      {granted.policies.map((policy) => (
        <details key={`${policy.kind} ${policy.arn ?? policy.name}`}>
          <summary>
            {policyKind(policy.kind)} <span className="mono">{policy.name}</span>
          </summary>
          {policy.document === null ? (
            <p className="soft small">Its text is not in the inventory.</p>
          ) : (
            <Code text={policyText(policy.document)} label={`Policy ${policy.name}`} />
          )}
        </details>
      ))}
    </>
  )
}

function Known({ name, row, arn, granted }: {
  name: WorkloadName
  row: Schemas['RoleRow'] | undefined
  arn: string
  granted: Schemas['GrantedRole'] | undefined
}) {
  const seen = granted?.observed_at ?? null
  return (
    <Facts
      facts={[
        ['Account', arnAccount(arn) ?? 'not known'],
        ['May use it', <Allowed key="allowed" name={name} row={row} />],
        [
          'Used by',
          row === undefined ? 'not known' : `${count(row.used_by)} service ${row.used_by === 1 ? 'account' : 'accounts'} in the store`,
        ],
        ...(seen === null ? [] : [['Policies seen', <Time key="seen" value={seen} />] satisfies [string, ReactNode]]),
      ]}
    />
  )
}

/** Who the role is bound to, and whether this workload is one of them. */
function Allowed({ name, row }: { name: WorkloadName; row: Schemas['RoleRow'] | undefined }) {
  if (row?.wildcard_trust === true) {
    return <Badge tone="bad">more than named service accounts</Badge>
  }
  if ((row?.bindings ?? 0) === 0) {
    return 'not known: no binding of it is in the inventory'
  }
  return (
    <>
      {row?.bound_to}
      {!names(row?.bound_to ?? null, name) && (
        <>
          {' '}
          <Badge tone="bad" title="Neither the trust policy of the role nor an association names this service account">
            not this service account
          </Badge>
        </>
      )}
    </>
  )
}
