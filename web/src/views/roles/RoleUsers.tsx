// The service accounts that used a role: how they had it, and for what.
import { useMemo } from 'react'
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { MOST_ROWS, useApi } from '../../api/queries'
import { AccessPath, Confidence, ServiceAccount } from '../../components/basics'
import { firstColumn, timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { count } from '../../format'
import { useCarry, useFilters } from '../../state/url'
import type { FlowRow } from './flow'
import { userKey, usersOf, type RoleUser } from './roles'

type WorkloadRow = Schemas['WorkloadRow']

export function RoleUsers({ roleArn, flows }: { roleArn: string; flows: readonly FlowRow[] }) {
  const to = useCarry()
  const filters = useFilters(['from', 'to', 'cluster'])
  const known = useApi('/api/v1/workloads', { query: { ...filters, role_arn: roleArn, limit: MOST_ROWS } })
  const users = useMemo(() => usersOf(flows), [flows])
  const columns = useMemo(() => {
    const more = new Map((known.data?.items ?? []).map((row) => [userKey(row), row]))
    const fallbacks = (user: RoleUser) => to('/fallbacks', { role_arn: roleArn, namespace: user.namespace, service_account: user.service_account })
    return users.some((user) => user.access_path !== 'node_role') ? [...shared(), ...calls(), ...ofBinding(more), SERVICES] : [...shared(), ...calls(), SERVICES, why(fallbacks)]
  }, [known.data, users, roleArn, to])
  return users.length === 0 ? (
    <Empty title="No service account used it in this time range." />
  ) : (
    <DataTable
      label="Service accounts that used the role"
      rows={users}
      columns={columns}
      rowKey={userKey}
      defaultSort="calls.desc"
      sortParameter="sort_users"
      note={known.error === null ? undefined : `times, hops and confidence could not be read: ${known.error.message}`}
    />
  )
}

function shared(): Column<RoleUser>[] {
  return [
    {
      id: 'service_account',
      header: 'Service account',
      value: (user) => (user.service_account === null ? 'not known' : `${user.namespace}/${user.service_account}`),
      cell: (user) => <ServiceAccount cluster={user.cluster} namespace={user.namespace} name={user.service_account} />,
      wrap: 150,
      below: [{ id: 'cluster', header: 'Cluster', value: (user) => user.cluster }],
    },
    { id: 'access_path', header: 'Access path', value: (user) => user.access_path, cell: (user) => <AccessPath value={user.access_path} /> },
  ]
}

function calls(): Column<RoleUser>[] {
  return [
    { id: 'calls', header: 'Calls', value: (user) => user.calls, number: true },
    { id: 'denied', header: 'Denied', value: (user) => user.denied, number: true, cell: (user) => <span className={user.denied > 0 ? 'denied' : 'soft'}>{count(user.denied)}</span> },
  ]
}

const SERVICES: Column<RoleUser> = { id: 'services', header: 'Services', value: (user) => user.services.join(', '), wrap: 150 }

function ofBinding(known: Map<string, WorkloadRow>): Column<RoleUser>[] {
  const row = (user: RoleUser) => known.get(userKey(user))
  return [
    timeColumn('last_seen', 'Last seen', (user) => row(user)?.last_seen, {
      meaning: 'Last call',
      below: [firstColumn('first_seen', 'First seen', (user) => row(user)?.first_seen, { meaning: 'First call' })],
    }),
    {
      id: 'hops',
      header: 'Hops',
      value: (user) => row(user)?.hops,
      number: true,
      meaning: 'Roles assumed since the workload’s own session; 0: it has this role by itself',
    },
    { id: 'confidence', header: 'Confidence', value: (user) => row(user)?.confidence, cell: (user) => <Confidence value={row(user)?.confidence} /> },
  ]
}

function why(fallbacks: (user: RoleUser) => string): Column<RoleUser> {
  return {
    id: 'why',
    header: 'Why, and the fix',
    value: () => null,
    cell: (user) => (user.service_account === null ? <span className="soft">–</span> : <Link to={fallbacks(user)}>Fallbacks</Link>),
  }
}
