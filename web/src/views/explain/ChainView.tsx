// Draws the way from a pod to a call: left to right where there is room, else top to bottom.
import { Link } from 'react-router'
import { Time } from '../../components/basics'
import { useCarry } from '../../state/url'
import type { Step, Value } from './steps'

export function Chain({ steps, label }: { steps: readonly Step[]; label: string }) {
  return (
    <ol className="chain" aria-label={label}>
      {steps.map((step) => (
        <li key={step.key} className={`chain-step ${step.kind}`} data-unknown={step.unknown === true} data-guess={step.guess === true} data-failed={step.failed === true}>
          <p className="chain-title">{step.title}</p>
          <p className="chain-name">
            {step.unknown === true && (
              <span className="chain-mark" aria-hidden="true">
                ?
              </span>
            )}
            <Shown value={step.name} />
          </p>
          {step.facts.length > 0 && (
            <dl className="chain-facts">
              {step.facts.map(([name, value]) => (
                <div key={`${name} ${value.text}`}>
                  <dt>{name}</dt>
                  <dd>
                    <Shown value={value} />
                  </dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ol>
  )
}

function Shown({ value }: { value: Value }) {
  const to = useCarry()
  if (value.time === true) {
    return <Time value={value.text} />
  }
  const className = value.mono === true ? 'mono' : undefined
  return value.to === undefined ? (
    <span className={className} title={value.title}>
      {value.text}
    </span>
  ) : (
    <Link className={className} to={to(value.to.path, value.to.extra)} title={value.title}>
      {value.text}
    </Link>
  )
}
