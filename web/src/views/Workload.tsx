// One service account: the roles it used, what it called, its pods, and what a policy for it has to allow.
import { useMemo, type ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { Schemas } from '../api/client'
import { useApi } from '../api/queries'
import { CopyButton, PageHead, Panel } from '../components/basics'
import { Answer, Empty } from '../components/states'
import { Tabs } from '../components/Tabs'
import { counted } from '../format'
import { useCarry, useFilters, useUrlValue } from '../state/url'
import { Actions, Refused } from './workload/Actions'
import { roleTree, type RoleNode } from './workload/chains'
import { FallbackWarning, Head } from './workload/Head'
import { HeatMap } from './workload/HeatMap'
import { Pods } from './workload/Pods'
import { Policy, type WorkloadName } from './workload/Policy'
import { RoleGraph } from './workload/RoleGraph'
import './workloads.css'
import './workload.css'

const TABS = ['overview', 'actions', 'denied', 'pods', 'policy'] as const
type Tab = (typeof TABS)[number]

export default function Workload() {
  const { cluster = '', namespace = '', serviceAccount = '' } = useParams()
  const name = useMemo(() => ({ cluster, namespace, service_account: serviceAccount }), [cluster, namespace, serviceAccount])
  const query = useFilters(['from', 'to'])
  const workload = useApi('/api/v1/workloads/{cluster}/{namespace}/{service_account}', { path: name, query })
  const to = useCarry()
  return (
    <div className="workloads">
      <PageHead
        title={`${namespace}/${serviceAccount}`}
        lead={
          <>
            Service account of cluster <strong>{cluster}</strong>.
          </>
        }
        tools={
          <>
            <Link className="button small" to={to('/explain', { id: `${cluster}/${namespace}/${serviceAccount}` })}>
              Explain
            </Link>
            <CopyButton text={() => window.location.href} label="Copy link" />
          </>
        }
      />
      {workload.error?.status === 404 ? (
        <Unknown name={name} />
      ) : (
        <Answer query={workload}>{(answer) => <Known name={name} answer={answer} />}</Answer>
      )}
    </div>
  )
}

function Unknown({ name }: { name: WorkloadName }) {
  const to = useCarry()
  return (
    <Panel title="Not known">
      <Empty title={`Nothing is known of ${name.namespace}/${name.service_account} in cluster ${name.cluster} in this time range.`}>
        <p>No call, session, pod or fallback of it is in the store. Check the spelling, or choose all time above.</p>
        <p>
          <Link to={to('/workloads', { cluster: null, q: name.service_account })}>Look for {name.service_account} in all clusters</Link> ·{' '}
          <Link to={to('/ingestion')}>What was read</Link>
        </p>
      </Empty>
    </Panel>
  )
}

/** Roles that are the workload's by its binding. */
function ownRoles(tree: readonly RoleNode[]): string[] {
  return tree.flatMap((node) => (node.hops === 0 && node.role_arn !== null && node.access_path !== 'node_role' ? [node.role_arn] : []))
}

interface Parts {
  name: WorkloadName
  answer: Schemas['Workload']
  tree: readonly RoleNode[]
}

function title(tab: Tab, answer: Schemas['Workload']): string {
  switch (tab) {
    case 'overview':
      return 'Overview'
    case 'actions':
      return `Actions (${answer.actions.length})`
    case 'denied':
      return `Denied (${answer.actions.filter((row) => (row.denied ?? 0) > 0).length})`
    case 'pods':
      return `Pods (${answer.pods.length})`
    case 'policy':
      return 'Policy'
  }
}

function part(tab: Tab, { name, answer, tree }: Parts): ReactNode {
  const isCut = (list: string) => answer.truncated.includes(list)
  switch (tab) {
    case 'overview':
      return <Overview name={name} answer={answer} tree={tree} />
    case 'actions':
      return <Actions actions={answer.actions} truncated={isCut('actions')} />
    case 'denied':
      return <Refused actions={answer.actions} truncated={isCut('actions')} />
    case 'pods':
      return <Pods pods={answer.pods} truncated={isCut('pods')} />
    case 'policy':
      return <Policy name={name} roles={ownRoles(tree)} />
  }
}

function Known({ name, answer }: { name: WorkloadName; answer: Schemas['Workload'] }) {
  const [tab, setTab] = useUrlValue('tab')
  const tree = useMemo(() => roleTree(answer.chains, answer.actions, answer.roles), [answer])
  return (
    <div className="workloads">
      <FallbackWarning rows={answer.fallbacks} />
      <Head answer={answer} />
      <Tabs<Tab>
        label="Parts of the workload"
        shown={TABS.find((one) => one === tab) ?? 'overview'}
        onShow={(one) => setTab(one === 'overview' ? null : one)}
        tabs={TABS.map((one) => ({ name: one, title: title(one, answer), body: () => part(one, { name, answer, tree }) }))}
      />
    </div>
  )
}

function Overview({ name, answer, tree }: Parts) {
  const isCut = answer.truncated.includes('hours')
  return (
    <>
      <Panel
        title="Roles it used"
        note="From the service account to its roles, and on to each role assumed from them, by the sessions that were issued."
      >
        {tree.length === 0 ? (
          <p className="soft">It used no role in this time range.</p>
        ) : (
          <RoleGraph name={`${name.namespace}/${name.service_account}`} cluster={name.cluster} tree={tree} />
        )}
      </Panel>
      <Panel
        title="Calls over time"
        note={`By action. Colours part the numbers of calls that there are; a red dot has refused calls.${isCut ? ` Only the first ${counted(answer.hours.length, 'figure')} are drawn: narrow the time range.` : ''}`}
      >
        <HeatMap hours={answer.hours} />
      </Panel>
    </>
  )
}
