// The two tables of who used what: by role, and by service account.
import type { ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { AccessPath, Confidence, workloadPath } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { count } from '../../format'
import { useCarry } from '../../state/url'
import { accountColumn, AccessPaths, Denied, FallbackBadge, roleColumn } from './parts'
import { accountKey, rowKeyOf, type Account, type Use } from './uses'

/** How a role was come to, in words; null where the access path itself gave it. */
function hopsText(hops: number | null): string | null {
  return hops === null || hops === 0 ? null : hops === 1 ? 'assumed, 1 hop' : `assumed, ${hops} hops`
}

const HOPS = 'Roles assumed on the way, each by one sts:AssumeRole; none where IRSA, EKS Pod Identity or the node gave the role itself'

const ROLE_COLUMNS: Column<Use>[] = [
  accountColumn(),
  {
    id: 'access_path',
    header: 'Access path',
    value: (row) => row.access_path,
    cell: (row) => (
      <span className="cell-stack">
        <AccessPath value={row.access_path} />
        <FallbackBadge fallbacks={row.fallbacks} />
      </span>
    ),
    below: [{ id: 'hops', header: 'Hops', value: (row) => row.hops, number: true, cell: (row) => hopsText(row.hops), meaning: HOPS }],
  },
  roleColumn('role_arn', 'Role', (row) => row.role_arn),
  { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true },
  {
    id: 'denied',
    header: 'Denied',
    value: (row) => row.denied,
    number: true,
    cell: (row) => <Denied value={row.denied} />,
    meaning: 'Calls refused for lack of permission',
  },
  seenColumn(),
  { id: 'confidence', header: 'Confidence', value: (row) => row.confidence, cell: (row) => <Confidence value={row.confidence} /> },
  {
    id: 'pods',
    header: 'Pods',
    value: (row) => row.pods,
    number: true,
    meaning: 'Pods that the calls could be told to; 0 where only the service account is known',
  },
  { id: 'actions', header: 'Actions', value: (row) => row.actions, number: true, meaning: 'Different API actions' },
]

const ACCOUNT_COLUMNS: Column<Account>[] = [
  accountColumn(),
  {
    id: 'access_paths',
    header: 'Access paths',
    value: (row) => row.access_paths.join(' '),
    cell: (row) => <AccessPaths values={row.access_paths} />,
  },
  {
    id: 'falls_back',
    header: 'Node role',
    value: (row) => row.fallbacks.map((one) => one.cause).join(' '),
    cell: (row) => (row.fallbacks.length === 0 ? <span className="soft">not used</span> : <FallbackBadge fallbacks={row.fallbacks} />),
    meaning: 'Whether pods of it fall back to the role of their node, and why',
  },
  { id: 'calls', header: 'Calls', value: (row) => row.calls, number: true, cell: (row) => count(row.calls) },
  {
    id: 'denied',
    header: 'Denied',
    value: (row) => row.denied,
    number: true,
    cell: (row) => <Denied value={row.denied} />,
    meaning: 'Calls refused for lack of permission',
  },
  seenColumn('use'),
  { id: 'roles', header: 'Roles', value: (row) => row.roles, number: true },
  { id: 'hops', header: 'Most hops', value: (row) => row.hops, number: true, wrap: 50, meaning: HOPS },
  {
    id: 'confidence',
    header: 'Confidence',
    value: (row) => row.confidence,
    cell: (row) => <Confidence value={row.confidence} />,
    meaning: 'The least of its rows',
  },
]

/** Opens the page of a row's workload, where there is one. */
function useOpenWorkload() {
  const navigate = useNavigate()
  const to = useCarry()
  return (row: { cluster: string | null; namespace: string | null; service_account: string | null }) => {
    if (row.cluster !== null && row.namespace !== null && row.service_account !== null) {
      void navigate(to(workloadPath(row.cluster, row.namespace, row.service_account)))
    }
  }
}

export function RoleTable({ rows, note }: { rows: readonly Use[]; note?: ReactNode }) {
  const open = useOpenWorkload()
  return (
    <DataTable
      label="Roles used, by service account and role"
      rows={rows}
      columns={ROLE_COLUMNS}
      rowKey={rowKeyOf}
      onOpen={open}
      defaultSort="calls.desc"
      note={note}
    />
  )
}

export function AccountTable({ rows, note }: { rows: readonly Account[]; note?: ReactNode }) {
  const open = useOpenWorkload()
  return (
    <DataTable
      label="Table of service accounts that used roles"
      rows={rows}
      columns={ACCOUNT_COLUMNS}
      rowKey={accountKey}
      onOpen={open}
      defaultSort="calls.desc"
      sortParameter="sort_account"
      note={note}
    />
  )
}
