import { Badge, Panel, ServiceAccount, Time } from '../../components/basics'
import { timeColumn } from '../../components/columns'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/states'
import { ACCESS_PATHS, term } from '../../terms'
import type { NodePod } from './stays'

export function PodTable({ pods, truncated }: { pods: readonly NodePod[]; truncated: boolean }) {
  return (
    <Panel title="Pods on this node" note="As looks at the cluster saw them; a pod that came and went between two looks may be missing." flush>
      {pods.length === 0 ? (
        <Empty title="No pod is known to have been on this node.">
          <p className="soft">Pods come from the inventory of the cluster: podtrail inventory collect --follow sees also those that do not live long.</p>
        </Empty>
      ) : (
        <DataTable
          label="Pods on the node"
          rows={pods}
          columns={COLUMNS}
          rowKey={(pod) => JSON.stringify([pod.cluster, pod.pod_uid])}
          sortParameter="sort_pods"
          defaultSort="valid_from.desc"
          note={truncated ? 'there are more than these: narrow the time range' : undefined}
        />
      )}
    </Panel>
  )
}

const COLUMNS: Column<NodePod>[] = [
  { id: 'pod', header: 'Pod', value: (pod) => pod.pod, wrap: 150, below: [{ id: 'workload', header: 'Workload', value: (pod) => pod.workload }] },
  {
    id: 'service_account',
    header: 'Service account',
    value: (pod) => `${pod.namespace}/${pod.service_account ?? 'not known'}`,
    cell: (pod) => <ServiceAccount cluster={pod.cluster} namespace={pod.namespace} name={pod.service_account} />,
    wrap: 130,
  },
  timeColumn('valid_from', 'From', (pod) => pod.valid_from, {
    below: [
      timeColumn('valid_to', 'Gone by', (pod) => pod.valid_to, {
        cell: (pod) => (pod.valid_to === null ? 'not seen to end' : <Time value={pod.valid_to} />),
        meaning: 'Its own end, or the first look that it was missing in',
      }),
    ],
  }),
  timeColumn('observed_at', 'Last seen', (pod) => pod.observed_at),
  {
    id: 'pod_ip',
    header: 'Address',
    value: (pod) => pod.pod_ip,
    cell: (pod) => <span className="mono">{pod.pod_ip ?? '–'}</span>,
    below: [
      {
        id: 'host_network',
        header: 'Network',
        value: (pod) => (pod.host_network === true ? 'host' : 'pod'),
        cell: (pod) =>
          pod.host_network === true ? (
            <Badge tone="info" title="On the network of the host: hop limit 1 does not keep it from the metadata service.">
              host network
            </Badge>
          ) : (
            'own network'
          ),
      },
    ],
  },
  {
    id: 'injected',
    header: 'Injected',
    value: (pod) => pod.injected,
    cell: (pod) => (pod.injected === null || pod.injected === 'none' ? <span className="soft">{pod.injected ?? 'not known'}</span> : term(ACCESS_PATHS, pod.injected)),
    meaning: 'Credentials that the webhook injected; not known where the inventory does not show it',
  },
]
