// Cells that several tables of workloads have.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { AccessPath, Badge, Role, ServiceAccount } from '../../components/basics'
import type { Column } from '../../components/DataTable'
import { arnAccount, counted } from '../../format'
import { useCarry } from '../../state/url'
import { CAUSES } from '../../terms'

/** Says that a service account falls back to the node role, and leads to why. */
export function FallbackBadge({ fallbacks }: { fallbacks: readonly Schemas['FallbackRow'][] }) {
  const to = useCarry()
  const [first] = fallbacks
  if (first === undefined) {
    return null
  }
  const link =
    fallbacks.length === 1
      ? to('/fallbacks', { open: first.id })
      : to('/fallbacks', { cluster: first.cluster, namespace: first.namespace, service_account: first.service_account })
  const causes = [...new Set(fallbacks.map((row) => CAUSES[row.cause ?? 'unknown']?.name ?? row.cause))].join(', ')
  return (
    <Link to={link} title={`${counted(fallbacks.length, 'fallback')} to the node role: ${causes}. Open for evidence and fix.`}>
      <Badge tone="bad">{causes}</Badge>
    </Link>
  )
}

export function AccessPaths({ values }: { values: readonly string[] }) {
  return (
    <span className="cell-stack">
      {values.map((value) => (
        <AccessPath key={value} value={value} />
      ))}
    </span>
  )
}

/** Calls that were refused: said in colour and weight where there are any. */
export function Denied({ value }: { value: number }) {
  return value === 0 ? <span className="soft">0</span> : <strong className="denied">{value.toLocaleString('en-GB')}</strong>
}

/** A service account, and below it its cluster. */
export function accountColumn<Row extends { cluster: string | null; namespace: string | null; service_account: string | null }>(): Column<Row> {
  return {
    id: 'service_account',
    header: 'Service account',
    value: (row) => `${row.namespace ?? ''}/${row.service_account ?? ''}`,
    cell: (row) => <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={row.service_account} />,
    wrap: 150,
    below: [{ id: 'cluster', header: 'Cluster', value: (row) => row.cluster }],
  }
}

/** A role by its name, and below it its account. */
export function roleColumn<Row>(id: string, header: string, value: (row: Row) => string | null, more: Partial<Column<Row>> = {}): Column<Row> {
  return { id, header, value, cell: (row) => <RoleCell arn={value(row)} />, wrap: 130, ...more }
}

/** A role by its name, with its account. */
export function RoleCell({ arn }: { arn: string | null }) {
  return (
    <>
      <Role arn={arn} />
      <div className="soft small">{arnAccount(arn)}</div>
    </>
  )
}
