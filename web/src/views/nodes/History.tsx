// Which pods were on the node when calls were made with its role.
import { useCallback, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { Panel, workloadPath } from '../../components/basics'
import { Chart, Legend, linked } from '../../components/Chart'
import { Empty } from '../../components/states'
import { count, counted } from '../../format'
import { useNarrow } from '../../state/narrow'
import { useCarry, useUrlValue } from '../../state/url'
import { ACTORS_DRAWN, bucketsOf, spanOf, workloadRows, type NodeAction, type NodeHour, type NodePod, type Stay } from './stays'
import { ACTOR_SERIES, historyHeight, historyOption, rowLabel } from './historyOption'

/** Rows drawn unless all are asked for, and then. */
const FEW = 24
const MOST = 80

const PODS = [
  { name: 'Pod made calls', swatch: 'pod-yes' },
  { name: 'May have: a candidate, or only its service account is named', swatch: 'pod-maybe' },
  { name: 'No calls name it', swatch: 'pod-none' },
  { name: 'Outlined: on the host’s network', swatch: 'pod-host' },
  { name: 'Pale end: not seen any more, gone by its end', swatch: 'pod-tail' },
]

export function History({ pods, hours, actions }: { pods: readonly NodePod[]; hours: readonly NodeHour[]; actions: readonly NodeAction[] }) {
  const navigate = useNavigate()
  const to = useCarry()
  const narrow = useNarrow()
  const [wanted, setWanted] = useUrlValue('rows')
  const span = useMemo(() => spanOf(hours, pods), [hours, pods])
  const all = useMemo(() => (span === null ? [] : workloadRows(pods, actions, span)), [pods, actions, span])
  const rows = useMemo(() => all.slice(0, wanted === 'all' ? MOST : FEW), [all, wanted])
  const drawn = useMemo(() => (span === null ? null : { span, rows, ...bucketsOf(hours, span) }), [span, rows, hours])
  const option = useCallback((colour: (variable: string) => string) => (drawn === null ? {} : historyOption(drawn, narrow, colour)), [drawn, narrow])
  /** The page of a pod's workload. */
  const pageOf = ({ cluster, namespace, service_account }: NodePod) =>
    cluster === null || namespace === null || service_account === null ? null : to(workloadPath(cluster, namespace, service_account))
  const open = (item: { data: unknown }) => {
    const pod = (item.data as { stay?: Stay }).stay?.pod
    const address = pod === undefined ? null : pageOf(pod)
    if (address !== null) {
      void navigate(address)
    }
  }
  const rest = all.length - rows.length

  return (
    <Panel
      title="Calls with the node’s role, and the pods that were there"
      note="Above: calls. Below, on the same time axis: pods, a row per workload; those that the calls name come first. A click on a pod opens its workload."
      tools={
        all.length > FEW && (
          <button type="button" className="button small" onClick={() => setWanted(wanted === 'all' ? null : 'all')}>
            {wanted === 'all' ? `Show ${FEW} workloads` : all.length > MOST ? `Show ${MOST} workloads` : `Show all ${count(all.length)} workloads`}
          </button>
        )
      }
    >
      {drawn === null ? (
        <Empty title="Neither calls nor pods are known here.">
          <p className="soft">Calls come from the trail, pods from the inventory of the cluster.</p>
        </Empty>
      ) : (
        <>
          <Chart
            label="Calls with the role of the node over time, and pods on the node over the same time"
            option={option}
            height={historyHeight(rows.length)}
            onClick={open}
            legend={
              <>
                <Legend series={ACTORS_DRAWN.map((actor) => ACTOR_SERIES[actor])} />
                {rows.length > 0 && <Legend series={PODS} />}
              </>
            }
            figures={{
              header: ['Workload', 'Pod', 'Service account', 'From, UTC', 'To, UTC', 'Host network', 'Calls that name it'],
              rows: rows.flatMap((row) =>
                row.stays.map(({ pod, calls }) => [
                  linked(rowLabel(row), pageOf(pod)),
                  pod.pod,
                  pod.service_account,
                  pod.valid_from === null ? null : { time: pod.valid_from },
                  pod.valid_to === null ? null : { time: pod.valid_to },
                  pod.host_network === true ? 'yes' : 'no',
                  calls,
                ]),
              ),
            }}
          />
          {rest > 0 && <p className="soft small">{counted(rest, 'more workload')} with fewer calls or a shorter stay {rest === 1 ? 'is' : 'are'} not drawn; the table of pods has them all.</p>}
          {pods.length === 0 && (
            <p className="soft">
              No look at the inventory shows a pod on this node, so its workloads cannot be named. Import the inventory of the cluster more often than nodes come and go.
            </p>
          )}
        </>
      )}
    </Panel>
  )
}
