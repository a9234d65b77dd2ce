// Values for the placeholders of a statement.
import { NO_PARAM, type Param, type ParamKind } from './statement'

const KINDS: readonly { kind: ParamKind; name: string }[] = [
  { kind: 'text', name: 'Text' },
  { kind: 'number', name: 'Number' },
  { kind: 'boolean', name: 'True or false' },
  { kind: 'null', name: 'Null' },
]

export function Params({
  names,
  params,
  onParam,
}: {
  names: readonly string[]
  params: Readonly<Record<string, Param>>
  onParam: (name: string, param: Param) => void
}) {
  return names.length === 0 ? null : (
    <div className="sql-params" role="group" aria-label="Values of the placeholders">
      {names.map((name) => {
        const param = params[name] ?? NO_PARAM
        return (
          <div key={name} className="row">
            <code>${name}</code>
            <input
              type="text"
              aria-label={`Value of $${name}`}
              value={param.text}
              disabled={param.kind === 'null'}
              title={param.kind === 'null' ? 'Null has no value' : undefined}
              placeholder={param.kind === 'boolean' ? 'true' : undefined}
              onChange={(event) => onParam(name, { ...param, text: event.target.value })}
            />
            <select aria-label={`Type of $${name}`} value={param.kind} onChange={(event) => onParam(name, { ...param, kind: event.target.value as ParamKind })}>
              {KINDS.map((one) => (
                <option key={one.kind} value={one.kind}>
                  {one.name}
                </option>
              ))}
            </select>
          </div>
        )
      })}
    </div>
  )
}
