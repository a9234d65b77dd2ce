// Bindings that nobody used, that several share, or that let anybody in: what it means and what to do.
import { useMemo } from 'react'
import { AccessPath, Badge, Panel, Role, ServiceAccount, Time } from '../../components/basics'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { count, counted } from '../../format'
import { FINDING_ORDER, FINDINGS, hint, observed, type Finding, type RoleRow } from './roles'

/** With fewer days, what runs once a month or quarter looks unused. */
const ENOUGH_DAYS = 90

/** Null until they are read. */
type RolesByArn = Map<string | null, RoleRow> | null

export function Findings({ findings, roles }: { findings: readonly Finding[]; roles: readonly RoleRow[] | undefined }) {
  const byArn = useMemo(() => (roles === undefined ? null : new Map(roles.map((role) => [role.role_arn, role]))), [roles])
  if (findings.length === 0) {
    return (
      <Panel title="Findings">
        <Empty title="No binding is unused, shared or open.">
          <p className="soft">Bindings are known from trust policies, annotations and Pod Identity associations of the inventory: without an inventory there are none to check.</p>
        </Empty>
      </Panel>
    )
  }
  return (
    <div className="findings">
      <p className="soft">
        The whole store counts here, whatever the time range above. <Observed findings={findings} />
      </p>
      {FINDING_ORDER.map((kind) => {
        const rows = findings.filter((finding) => finding.finding === kind)
        return rows.length === 0 ? null : <FindingPanel key={kind} kind={kind} rows={rows} roles={byArn} />
      })}
    </div>
  )
}

function Observed({ findings }: { findings: readonly Finding[] }) {
  const seen = observed(findings)
  if (seen === null) {
    return <>It holds no calls: everything looks unused.</>
  }
  const { from, to, days } = seen
  return (
    <>
      Calls were seen from <Time value={from} /> to <Time value={to} /> UTC.{' '}
      {days < ENOUGH_DAYS && (
        <>
          <Badge tone="warn" title="Read older trail files into the store to be surer">
            {counted(Math.max(1, Math.round(days)), 'day')} only
          </Badge>{' '}
          What runs once a month or quarter looks unused.
        </>
      )}
    </>
  )
}

function FindingPanel({ kind, rows, roles }: { kind: Finding['finding']; rows: readonly Finding[]; roles: RolesByArn }) {
  const columns = useMemo(() => columnsOf(kind, roles), [kind, roles])
  return (
    <Panel title={FINDINGS[kind].name} flush>
      <div className="finding-text">
        <p>{FINDINGS[kind].meaning}</p>
        <p>
          <strong>What to do:</strong> {FINDINGS[kind].remedy}
        </p>
      </div>
      <DataTable
        label={`${FINDINGS[kind].name}, one by one`}
        rows={rows}
        columns={columns}
        rowKey={(row) => JSON.stringify([row.mechanism, row.role_arn, row.cluster, row.namespace, row.service_account, row.proof])}
        sortParameter={`sort_${kind}`}
        defaultSort="role_arn"
      />
    </Panel>
  )
}

function columnsOf(kind: Finding['finding'], roles: RolesByArn): Column<Finding>[] {
  const calls = (row: Finding) => (roles === null ? null : (roles.get(row.role_arn)?.calls ?? 0))
  const columns: Column<Finding>[] = [
    { id: 'role_arn', header: 'Role', value: (row) => row.role_arn, cell: (row) => <Role arn={row.role_arn} />, wrap: 130 },
    {
      id: 'service_account',
      header: 'May be used by',
      value: (row) => [row.namespace ?? '*', row.service_account ?? '*'].join('/'),
      cell: (row) => <Holder row={row} />,
      wrap: 130,
      meaning: 'Namespace and service account; * is any',
      below: [{ id: 'cluster', header: 'Cluster', value: (row) => row.cluster }],
    },
    { id: 'mechanism', header: 'Access path', value: (row) => row.mechanism, cell: (row) => <AccessPath value={row.mechanism} /> },
    { id: 'proof', header: 'Known from', value: (row) => row.proof },
    { id: 'calls', header: 'Calls of the role', value: calls, number: true, cell: (row) => count(calls(row)), meaning: 'Calls that anybody made with the role, in the time range above' },
  ]
  if (kind === 'shared') {
    columns.push({ id: 'service_accounts_of_role', header: 'Service accounts', value: (row) => row.service_accounts_of_role, number: true, meaning: 'Service accounts that may use the role' })
  }
  if (kind === 'unused') {
    columns.push({ id: 'hint', header: 'Note', value: (row) => hint(row, roles?.get(row.role_arn)) })
  }
  return columns
}

function Holder({ row }: { row: Finding }) {
  return row.namespace === null || row.service_account === null || row.finding === 'wildcard_trust' ? (
    <span className="mono">{[row.namespace ?? '*', row.service_account ?? '*'].join('/')}</span>
  ) : (
    <ServiceAccount cluster={row.cluster} namespace={row.namespace} name={row.service_account} />
  )
}
