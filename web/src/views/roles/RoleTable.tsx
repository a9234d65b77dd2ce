import { useMemo } from 'react'
import { AccessPath, Badge, Role, ServiceAccount } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { arnAccount, arnName, count, items } from '../../format'
import { ACCESS_PATHS, term } from '../../terms'
import { bindingOf, isUnused, kindsOf, proofText, ROLE_KINDS, sharedBadge, WILDCARD_MEANING, type RoleRow } from './roles'

export function Kinds({ role }: { role: RoleRow }) {
  return (
    <>
      {kindsOf(role).map((kind, at) => (
        <span key={kind} title={ROLE_KINDS[kind]?.meaning}>
          {at > 0 && ', '}
          {ROLE_KINDS[kind]?.name ?? term({}, kind)}
        </span>
      ))}
    </>
  )
}

export function Paths({ paths }: { paths: string | null }) {
  const list = items(paths)
  return list.length === 0 ? (
    <span className="soft">none seen</span>
  ) : (
    <>
      {list.map((path) => (
        <AccessPath key={path} value={path} />
      ))}
    </>
  )
}

export function Wildcard() {
  return (
    <Badge tone="bad" title={WILDCARD_MEANING}>
      wildcard
    </Badge>
  )
}

/** A binding as a link to its workload; a pattern as it is. */
export function Binding({ text }: { text: string }) {
  const binding = bindingOf(text)
  return binding === null ? (
    <span className="mono">{text}</span>
  ) : (
    <>
      <ServiceAccount cluster={binding.cluster} namespace={binding.namespace} name={binding.serviceAccount} /> <span className="soft small">{binding.cluster}</span>
    </>
  )
}

/** Without the user name of an access entry, which is long and says no more. */
function Proof({ text }: { text: string | null }) {
  return <span title={text ?? undefined}>{text?.replace(/, user .*$/, '')}</span>
}

function UsedBy({ role }: { role: RoleRow }) {
  const badge = sharedBadge(role)
  return (
    <>
      {badge !== null && (
        <Badge tone={badge.tone} title={badge.title}>
          {badge.text}
        </Badge>
      )}{' '}
      {count(role.used_by)}
    </>
  )
}

const MOST_BINDINGS = 2

function BoundTo({ role }: { role: RoleRow }) {
  const list = items(role.bound_to)
  if (list.length === 0) {
    return <span className="soft">–</span>
  }
  return (
    <span title={list.join('\n')}>
      {list.slice(0, MOST_BINDINGS).map((text) => (
        <div key={text}>
          <Binding text={text} />
        </div>
      ))}
      {list.length > MOST_BINDINGS && <span className="soft small">and {list.length - MOST_BINDINGS} more</span>}
    </span>
  )
}

function columnsOf(clusters: Map<string, string[]>): Column<RoleRow>[] {
  return [
    {
      id: 'role_arn',
      header: 'Role',
      value: (role) => role.role_arn,
      cell: (role) => <Role arn={role.role_arn} />,
      wrap: 150,
      meaning: 'Role by name; its ARN is in the tooltip and in the CSV',
      below: [{ id: 'account', header: 'Account', value: (role) => arnAccount(role.role_arn) }],
    },
    {
      id: 'kind',
      header: 'Kind',
      value: (role) => role.kind,
      cell: (role) => <Kinds role={role} />,
      wrap: 130,
      meaning: 'What the role is for',
      below: [{ id: 'proof', header: 'Known from', value: (role) => proofText(role.proof), cell: (role) => (role.proof === null ? null : <Proof text={proofText(role.proof)} />), meaning: 'What tells the kind' }],
    },
    {
      id: 'calls',
      header: 'Calls',
      value: (role) => role.calls,
      number: true,
      cell: (role) => (isUnused(role) ? <span className="soft">none</span> : count(role.calls)),
      meaning: 'Calls in the time range, of all who used it: workloads, node agents, control plane',
    },
    {
      id: 'denied',
      header: 'Denied',
      value: (role) => role.denied,
      number: true,
      cell: (role) => ((role.denied ?? 0) > 0 ? <span className="denied">{count(role.denied)}</span> : <span className="soft">{count(role.denied)}</span>),
      meaning: 'Calls that were refused for lack of permission',
    },
    seenColumn(),
    {
      id: 'used_by',
      header: 'Used by',
      value: (role) => role.used_by,
      number: true,
      cell: (role) => <UsedBy role={role} />,
      meaning: 'Number of service accounts that used it',
      below: [{ id: 'bindings', header: 'Bindings', value: (role) => role.bindings, number: true, meaning: 'Number of service accounts that may use it' }],
    },
    {
      id: 'access_paths',
      header: 'Access paths',
      value: (role) => items(role.access_paths).map((path) => term(ACCESS_PATHS, path)).join(', '),
      cell: (role) => <Paths paths={role.access_paths} />,
      wrap: 100,
      meaning: 'How its credentials were had',
      below: [
        {
          id: 'clusters',
          header: 'Clusters',
          value: (role) => clusters.get(role.role_arn ?? '')?.join(', '),
          meaning: 'Clusters that it belongs to, that it is bound in, or whose workloads used it',
        },
      ],
    },
    {
      id: 'bound_to',
      header: 'Bound to',
      value: (role) => role.bound_to,
      cell: (role) => <BoundTo role={role} />,
      wrap: 130,
      meaning: 'Service accounts that may use it',
      below: [
        {
          id: 'wildcard_trust',
          header: 'Trust',
          value: (role) => role.wildcard_trust,
          cell: (role) => (role.wildcard_trust ? <Wildcard /> : (role.bindings ?? 0) > 0 ? 'trust by name' : null),
          meaning: 'Whether the trust policy names its service accounts, or lets in more',
        },
      ],
    },
  ]
}

export function RoleTable({ roles, clusters, onOpen, note }: { roles: readonly RoleRow[]; clusters: Map<string, string[]>; onOpen: (arn: string) => void; note?: string }) {
  const columns = useMemo(() => columnsOf(clusters), [clusters])
  return (
    <DataTable
      label={`Roles, such as ${arnName(roles[0]?.role_arn)}`}
      rows={roles}
      columns={columns}
      rowKey={(role) => role.role_arn ?? ''}
      onOpen={(role) => onOpen(role.role_arn ?? '')}
      defaultSort="calls.desc"
      note={note}
    />
  )
}
