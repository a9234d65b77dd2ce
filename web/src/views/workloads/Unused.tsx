// Bindings of roles to service accounts that nobody was seen to use.
import { useMemo } from 'react'
import { Link } from 'react-router'
import { useApi } from '../../api/queries'
import { AccessPath, Panel, Time } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Answer, Empty } from '../../components/states'
import { counted } from '../../format'
import { useCarry, useFilters, useUrlValue } from '../../state/url'
import { observed, type Finding } from '../roles/roles'
import { accountColumn, roleColumn } from './parts'
import { matches } from './uses'

const COLUMNS: Column<Finding>[] = [
  accountColumn(),
  {
    id: 'mechanism',
    header: 'Bound by',
    value: (row) => row.mechanism,
    cell: (row) => <AccessPath value={row.mechanism} />,
    below: [{ id: 'proof', header: 'Known from', value: (row) => row.proof, meaning: 'Where the binding stands' }],
  },
  roleColumn('role_arn', 'Role', (row) => row.role_arn),
  {
    id: 'service_accounts_of_role',
    header: 'Shared by',
    value: (row) => row.service_accounts_of_role,
    number: true,
    meaning: 'How many service accounts may use the role in all: remove the role itself only where it is one',
  },
  timeColumn('observed_from', 'Observed from', (row) => row.observed_from),
  timeColumn('observed_to', 'Observed to', (row) => row.observed_to),
]

const bindingKey = (row: Finding) =>
  JSON.stringify([row.mechanism, row.role_arn, row.cluster, row.namespace, row.service_account, row.proof])

function fits(row: Finding, accessPath: string | undefined, looked: string | null): boolean {
  return (
    row.finding === 'unused' &&
    (accessPath === undefined || row.mechanism === accessPath) &&
    matches(looked, [row.cluster, `${row.namespace ?? ''}/${row.service_account ?? ''}`, row.role_arn, row.proof])
  )
}

export function Unused() {
  const query = useFilters(['cluster', 'namespace', 'service_account', 'role_arn'])
  const { access_path: accessPath } = useFilters(['access_path'])
  const [looked] = useUrlValue('q')
  const report = useApi('/api/v1/reports/{name}', { path: { name: 'unused' }, query })
  const bindings = useMemo(() => (report.data?.items ?? []) as unknown as Finding[], [report.data])
  const rows = useMemo(() => bindings.filter((row) => fits(row, accessPath, looked)), [bindings, accessPath, looked])
  const others = bindings.filter((row) => row.finding !== 'unused').length
  const span = useMemo(() => observed(bindings), [bindings])
  return (
    <Panel
      title="Bindings never used"
      note={
        span === null ? (
          'Roles bound to service accounts that made no call with them in all that the store holds.'
        ) : (
          <>
            Bound, and no call with the role from <Time value={span.from} /> to <Time value={span.to} /> UTC, all that the
            store holds of their account. Before you remove one, make sure that this is longer than its rarest job.
          </>
        )
      }
      flush
    >
      <Answer query={report}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No unused binding.">
              <p>
                Every binding that the inventory shows was used. Bindings are known from imported inventories only: without one there is
                nothing to compare.
              </p>
            </Empty>
          ) : (
            <DataTable
              label="Table of bindings never used"
              rows={rows}
              columns={COLUMNS}
              rowKey={bindingKey}
              defaultSort="service_account"
              sortParameter="sort_unused"
              note={<Others number={others} />}
            />
          )
        }
      </Answer>
    </Panel>
  )
}

function Others({ number }: { number: number }) {
  const to = useCarry()
  return (
    <>
      whatever time range is chosen
      {number > 0 && (
        <>
          {' · '}
          <Link className="inline-link" to={to('/roles')}>
            {counted(number, 'other binding')} of shared or open roles: Roles
          </Link>
        </>
      )}
    </>
  )
}
