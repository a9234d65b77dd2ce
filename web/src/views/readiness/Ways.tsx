import { Code, CopyButton } from '../../components/basics'
import { Tabs } from '../../components/Tabs'
import { arnName } from '../../format'
import { useUrlValue } from '../../state/url'
import { script, ways, type Target, type Way } from './commands'

/** Commands that set hop limit 1, for each way in which instances come to be. The cluster is what the page calls it. */
export function Ways({ target, cluster }: { target: Target; cluster: string | null }) {
  const [chosen, show] = useUrlValue('tab')
  const list = ways(target)
  // The same commands stand on the page for each node role.
  const of = `${arnName(target.role_arn)} of ${cluster ?? 'unknown cluster'}`
  const shown = list.find((way) => way.name === chosen)?.name ?? 'instances'
  return (
    <div className="rd-ways">
      <p className="soft small">
        Running instances and those yet to be launched are set apart: do both. Pods on the host network are not affected: they go on to reach the node’s role. Tokens have
        to be required too, since the hop limit does not bound answers without one (IMDSv1).
      </p>
      <Tabs<Way['name']>
        label={`Ways to set hop limit 1, ${of}`}
        tabs={list.map((way) => tab(way, of))}
        shown={shown}
        onShow={(name) => show(name === 'instances' ? null : name)}
      />
    </div>
  )
}

function tab(way: Way, of: string) {
  return { name: way.name, title: way.title, body: () => <Steps way={way} of={of} /> }
}

function Steps({ way, of }: { way: Way; of: string }) {
  return (
    <div className="fb-tab">
      <div className="row fb-verdict">
        <p className="soft small">{way.lead}</p>
        <span className="fb-spring" />
        {way.steps.length > 1 && <CopyButton text={() => script(way)} label="Copy all commands" className="button small primary" />}
      </div>
      <ol className="fb-steps">
        {way.steps.map((step) => (
          <li key={step.title}>
            <h4>{step.title}</h4>
            <Code text={step.command} label={`${step.title}, ${of}`} />
          </li>
        ))}
      </ol>
    </div>
  )
}
