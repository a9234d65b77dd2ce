// Who called with the role of a node, and what.
import { useMemo } from 'react'
import { Confidence, EventLink, Panel, ServiceAccount } from '../../components/basics'
import { seenColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Drawer } from '../../components/Drawer'
import { Empty } from '../../components/states'
import { count, service } from '../../format'
import { useUrlValue } from '../../state/url'
import { ACTORS, confidenceOf, CONFIDENCES, pathSeries, term } from '../../terms'
import { callerName, callersOf, type Caller, type NodeAction } from './stays'

export function Callers({ actions, truncated }: { actions: readonly NodeAction[]; truncated: boolean }) {
  const [open, setOpen] = useUrlValue('open')
  const callers = useMemo(() => callersOf(actions), [actions])
  const opened = callers.find((caller) => caller.key === open)
  return (
    <Panel title="Who called" note="Each service account or part of the node that used the role. A row opens the actions." flush>
      {callers.length === 0 ? (
        <Empty title="No call with the node’s role was seen in this time range." />
      ) : (
        <DataTable
          label="Who called with the role of the node"
          rows={callers}
          columns={CALLERS}
          rowKey={(caller) => caller.key}
          onOpen={(caller) => setOpen(caller.key)}
          selected={open}
          defaultSort="calls.desc"
          note={truncated ? 'there are more calls than are counted here: narrow the time range' : undefined}
        />
      )}
      {opened !== undefined && (
        <Drawer title={callerName(opened)} subtitle="Its calls with the role of this node" onClose={() => setOpen(null)}>
          <DataTable
            label="Actions"
            rows={opened.actions}
            columns={ACTIONS}
            rowKey={(action) => JSON.stringify([action.role_arn, action.pod, action.event_source, action.event_name, action.error_code, action.confidence])}
            sortParameter="sort_actions"
            defaultSort="calls.desc"
          />
        </Drawer>
      )}
    </Panel>
  )
}

function Who({ caller }: { caller: Caller }) {
  return (
    <>{caller.service_account === null ? callerName(caller) : <ServiceAccount cluster={caller.cluster} namespace={caller.namespace} name={caller.service_account} />}</>
  )
}

/** The kind of actor, with the colour that it has in charts. */
function Actor({ value }: { value: string | null }) {
  return (
    <span className="nowrap">
      <span className={`dot actor-dot swatch-${pathSeries('node_role', value)}`} aria-hidden="true" /> {term(ACTORS, value)}
    </span>
  )
}

function Confidences({ caller }: { caller: Caller }) {
  return (
    <span className="row" style={{ gap: 4 }} title={caller.confidences.map((one) => `${term(CONFIDENCES, one.confidence)}: ${count(one.calls)} calls`).join('\n')}>
      {caller.confidences.map((one) => (
        <Confidence key={one.confidence} value={one.confidence} />
      ))}
    </span>
  )
}

function denied(value: number | null) {
  return <span className={(value ?? 0) > 0 ? 'calls-bad' : 'soft'}>{count(value)}</span>
}

const CALLERS: Column<Caller>[] = [
  {
    id: 'caller',
    header: 'Who',
    value: callerName,
    cell: (caller) => <Who caller={caller} />,
    wrap: 150,
    below: [{ id: 'component', header: 'Component', value: (caller) => (caller.component === callerName(caller) ? null : caller.component), meaning: 'Part of the node, or program, that made the calls' }],
  },
  { id: 'actor', header: 'Kind', value: (caller) => caller.actor, cell: (caller) => <Actor value={caller.actor} /> },
  { id: 'calls', header: 'Calls', value: (caller) => caller.calls, number: true },
  { id: 'denied', header: 'Denied', value: (caller) => caller.denied, number: true, cell: (caller) => denied(caller.denied) },
  seenColumn(),
  {
    id: 'confidence',
    header: 'Confidence',
    value: (caller) => caller.confidences.map((one) => one.confidence).join(', '),
    cell: (caller) => <Confidences caller={caller} />,
    meaning: 'How sure it is who called; calls of one caller can differ',
  },
  { id: 'actions', header: 'Actions', value: (caller) => caller.names.join(', '), cell: (caller) => <Actions names={caller.names} />, wrap: 150 },
  { id: 'event_id', header: 'An event', value: (caller) => caller.event_id, cell: (caller) => <EventLink id={caller.event_id}>{caller.event_id?.slice(0, 8)}…</EventLink> },
]

/** Actions named in a row; all are in its tooltip and its drawer. */
const FEW = 3

function Actions({ names }: { names: readonly string[] }) {
  return (
    <span title={names.join(', ')}>
      {names.slice(0, FEW).join(', ')}
      {names.length > FEW && <span className="soft"> and {count(names.length - FEW)} more</span>}
    </span>
  )
}

const ACTIONS: Column<NodeAction>[] = [
  {
    id: 'event_name',
    header: 'Action',
    value: (action) => `${service(action.event_source)}:${action.event_name}`,
    wrap: 140,
    below: [
      { id: 'error_code', header: 'Error', value: (action) => action.error_code },
      { id: 'pod', header: 'Pod', value: (action) => action.pod },
    ],
  },
  { id: 'calls', header: 'Calls', value: (action) => action.calls, number: true },
  { id: 'denied', header: 'Denied', value: (action) => action.denied, number: true, cell: (action) => denied(action.denied) },
  seenColumn(),
  { id: 'confidence', header: 'Confidence', value: confidenceOf, cell: (action) => <Confidence value={confidenceOf(action)} /> },
  { id: 'event_id', header: 'An event', value: (action) => action.event_id, cell: (action) => <EventLink id={action.event_id}>{action.event_id?.slice(0, 8)}…</EventLink> },
]
