import { count, counted } from '../../format'
import { useUrlValue } from '../../state/url'
import { CAUSES } from '../../terms'
import type { CauseCount } from './fallback'

/** How often each cause is; one that is pressed narrows the table to it. */
export function Causes({ causes }: { causes: readonly CauseCount[] }) {
  const [chosen, choose] = useUrlValue('cause')
  const most = Math.max(1, ...causes.map((one) => one.rows))
  const meaning = chosen === null ? null : CAUSES[chosen]?.meaning
  return (
    <div className="section">
      <ul className="fb-causes">
        {causes.map((one) => {
          const cause = CAUSES[one.cause]
          return (
            <li key={one.cause}>
              <button
                type="button"
                aria-pressed={chosen === one.cause}
                title={`${cause?.meaning ?? one.cause} ${counted(one.calls, 'call')}.`}
                onClick={() => choose(chosen === one.cause ? null : one.cause)}
              >
                <span className="fb-cause-name">{cause?.name ?? one.cause}</span>
                <span className="fb-cause-rows">{count(one.rows)}</span>
                <span className="fb-bar" data-unknown={one.cause === 'unknown'} aria-hidden="true">
                  <span style={{ width: `${(100 * one.rows) / most}%` }} />
                </span>
              </button>
            </li>
          )
        })}
      </ul>
      <p className="soft small" role="status">
        {meaning ?? 'Press a cause to see only its rows; its meaning shows here.'}
      </p>
    </div>
  )
}
