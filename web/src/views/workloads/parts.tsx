// Cells that several tables of workloads have.
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { AccessPath, Badge, Role, ServiceAccount } from '../../components/basics'
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

/** A service account, and below it what tells it further. */
export function Who({
  row,
  below,
}: {
  row: { cluster: string | null; namespace: string | null; service_account: string | null }
  below?: ReactNode
}) {
  return (
    <span className="cell-stack wraps">
      <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={row.service_account} />
      {below !== null && below !== undefined && <span className="soft small">{below}</span>}
    </span>
  )
}

/** A role by its name, cut where it is long, with its account. */
export function RoleCell({ arn }: { arn: string | null }) {
  return (
    <span className="cell-stack cut">
      <Role arn={arn} />
      <span className="soft small">{arnAccount(arn)}</span>
    </span>
  )
}
