// Roles of clusters: what each is for, who may use it, who did.
import { useMemo } from 'react'
import { MOST_ROWS, useApi } from '../api/queries'
import { PageHead, Panel } from '../components/basics'
import { FilterBar, Select, TextFilter, Toggle, valuesOf } from '../components/Filters'
import { Answer, Empty, Loading } from '../components/states'
import { Tabs } from '../components/Tabs'
import { count, service } from '../format'
import { useFilters, useUrlValues } from '../state/url'
import { Findings } from './roles/Findings'
import type { FlowRow } from './roles/flow'
import { FlowPanel } from './roles/FlowPanel'
import { RoleCard } from './roles/RoleCard'
import { clustersByRole, filterRoles, ROLE_KINDS, type Finding, type RoleFilter, type RoleRow } from './roles/roles'
import './roles/roles.css'
import { RoleTable } from './roles/RoleTable'
import { RoleUsers } from './roles/RoleUsers'

const NO_ROLES: readonly RoleRow[] = []
const NO_FLOWS: readonly FlowRow[] = []
const FIRST_ONLY = `only the first ${count(MOST_ROWS)}`

export default function Roles() {
  const [params, set] = useUrlValues()
  const roleArn = params.get('role_arn')
  const rolesQuery = useApi('/api/v1/roles', { query: { ...useFilters(['from', 'to', 'role_arn']), limit: MOST_ROWS } })
  const flowsQuery = useApi('/api/v1/flows', { query: { ...useFilters(['from', 'to', 'cluster', 'role_arn']), limit: MOST_ROWS } })
  const findingsQuery = useApi('/api/v1/reports/{name}', { path: { name: 'unused' }, query: useFilters(['cluster', 'role_arn']) })
  const roles = rolesQuery.data?.items ?? NO_ROLES
  const flows = flowsQuery.data?.items ?? NO_FLOWS
  const findings = (findingsQuery.data?.items as Finding[] | undefined) ?? []
  const filter = useRoleFilter(params)
  const clusters = useMemo(() => clustersByRole(roles, flows), [roles, flows])
  const shown = useMemo(() => filterRoles(roles, flows, clusters, filter), [roles, flows, clusters, filter])
  const shownFlows = useShownFlows(flows, roles, shown, filter)
  const services = useMemo(() => valuesOf(flows, (flow) => flow.event_source).map(({ value }) => ({ value, name: service(value) })), [flows])

  const flowPanel = (
    <Answer query={flowsQuery} lines={8}>
      {(data) => <FlowPanel rows={shownFlows} {...(data.next_token === null ? {} : { note: `${FIRST_ONLY} rows are in it.` })} />}
    </Answer>
  )
  const findingsPanel = (
    <div className="under-tabs">
      <Answer query={findingsQuery}>{() => <Findings findings={findings} roles={rolesQuery.data?.items} />}</Answer>
    </div>
  )

  if (roleArn !== null) {
    const role = roles.find((one) => one.role_arn === roleArn)
    const close = () => set({ role_arn: null, event_source: null })
    return (
      <>
        <Head />
        <FilterBar>
          <Select name="event_source" label="Service" options={services} />
        </FilterBar>
        <Answer query={rolesQuery}>
          {() =>
            role === undefined ? (
              // The answer may be that of the role before, while this one's is fetched.
              rolesQuery.isPlaceholderData ? <Loading lines={6} /> : <NoSuchRole arn={roleArn} />
            ) : (
              <RoleCard role={role} clusters={clusters.get(roleArn) ?? []} flows={flows} onClose={close} />
            )
          }
        </Answer>
        {flowPanel}
        <Panel title="Service accounts that used it" note="Node agents and the control plane are not in this list." flush>
          <Answer query={flowsQuery}>{() => <RoleUsers roleArn={roleArn} flows={shownFlows} />}</Answer>
        </Panel>
        {(findings.length > 0 || findingsQuery.error !== null) && findingsPanel}
      </>
    )
  }

  const rolesPanel = (
    <Panel title="Roles" note="What each is for, who may use it, who did. A row opens the role." flush className="under-tabs">
      <Answer query={rolesQuery}>
        {(data) =>
          shown.length === 0 ? (
            <NoRoles filtered={roles.length > 0} />
          ) : (
            <RoleTable roles={shown} clusters={clusters} onOpen={(arn) => set({ role_arn: arn })} {...(data.next_token === null ? {} : { note: FIRST_ONLY })} />
          )
        }
      </Answer>
    </Panel>
  )
  return (
    <>
      <Head />
      <FilterBar>
        <Select name="kind" label="Kind" options={kindOptions(roles)} />
        <Select name="event_source" label="Service" options={services} />
        <Toggle name="shared" label="Only shared" title="Roles that several service accounts used, or may use" />
        <Toggle name="unused" label="Only unused" title="Roles without calls in the time range" />
        <TextFilter label="Find" placeholder="role or service account" />
      </FilterBar>
      {flowPanel}
      <Tabs
        label="Roles and findings"
        shown={params.get('tab') === 'findings' ? 'findings' : 'roles'}
        onShow={(tab) => set({ tab: tab === 'roles' ? null : tab })}
        tabs={[
          { name: 'roles', title: numbered('Roles', rolesQuery.data === undefined ? null : shown.length), body: () => rolesPanel },
          { name: 'findings', title: numbered('Findings', findingsQuery.data === undefined ? null : findings.length), body: () => findingsPanel },
        ]}
      />
    </>
  )
}

function numbered(name: string, number: number | null): string {
  return number === null ? name : `${name} (${count(number)})`
}

function Head() {
  return <PageHead title="Roles" lead="What each IAM role of your clusters is for, which service accounts may use it, and which did." />
}

/** What the address narrows the roles by. With one role chosen, only the service is left to choose. */
function useRoleFilter(params: URLSearchParams): RoleFilter {
  const one = params.has('role_arn')
  const of = (name: string) => (one ? null : params.get(name))
  const [cluster, kind, source, q] = [of('cluster'), of('kind'), params.get('event_source'), of('q')]
  const shared = !one && params.has('shared')
  const unused = !one && params.has('unused')
  return useMemo(() => ({ cluster, kind, event_source: source, shared, unused, q }), [cluster, kind, source, shared, unused, q])
}

/** Flows of the service chosen, and of the roles that the filters leave. */
function useShownFlows(flows: readonly FlowRow[], roles: readonly RoleRow[], shown: readonly RoleRow[], filter: RoleFilter): readonly FlowRow[] {
  return useMemo(() => {
    const narrowed = shown.length < roles.length
    const arns = new Set(shown.map((role) => role.role_arn))
    return flows.filter((flow) => (filter.event_source === null || flow.event_source === filter.event_source) && (!narrowed || arns.has(flow.role_arn)))
  }, [flows, roles, shown, filter.event_source])
}

function kindOptions(roles: readonly RoleRow[]) {
  const present = new Set(roles.flatMap((role) => (role.kind ?? '').split(', ')))
  return Object.entries(ROLE_KINDS)
    .filter(([kind]) => present.has(kind))
    .map(([value, { name }]) => ({ value, name }))
}

function NoRoles({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty title="No role fits the filters.">
      <p className="soft">Clear the filters above, or widen the time range.</p>
    </Empty>
  ) : (
    <Empty title="No role of a cluster is known.">
      <p className="soft">Roles come from calls in the trail and from the inventory of accounts and clusters. Read a trail (podtrail ingest) and the inventory (podtrail inventory collect) first.</p>
    </Empty>
  )
}

function NoSuchRole({ arn }: { arn: string }) {
  return (
    <Panel title="Nothing is known of this role">
      <Empty title={arn}>
        <p className="soft">No workload, node or control plane of a known cluster used it, and nothing binds it to one. Is the ARN complete, with the role’s path?</p>
      </Empty>
    </Panel>
  )
}
