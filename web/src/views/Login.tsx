// Asks for a token where the service wants one.
import { useId, useState, type FormEvent } from 'react'
import { ApiError, answer, client } from '../api/client'
import { queryClient } from '../api/queries'
import { token } from '../api/token'
import { Failed } from '../components/states'

export default function Login() {
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const why = useId()
  const missing = text.trim() === ''

  const submit = (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    const tried = text.trim()
    // It is kept once it is known to be valid: this page gives way to the others when it changes.
    answer(client.GET('/api/v1/session', { headers: { authorization: `Bearer ${tried}` } })).then(
      () => {
        queryClient.clear()
        token.set(tried)
      },
      (reason: unknown) => {
        setError(reason instanceof ApiError ? reason : new ApiError(0, 'The service does not answer.'))
        setBusy(false)
      },
    )
  }

  return (
    <main className="login">
      <form className="panel" onSubmit={submit}>
        <div className="panel-head">
          <h1>podtrail</h1>
        </div>
        <div className="panel-body section">
          <p>This service asks for a token. It stays in this tab, until you close it or log out.</p>
          <label className="section">
            <span>Token</span>
            <input type="password" value={text} onChange={(event) => setText(event.target.value)} autoComplete="off" spellCheck={false} required />
          </label>
          <button type="submit" className="button primary" disabled={busy || missing} aria-describedby={missing ? why : undefined}>
            {busy ? 'Checking …' : 'Log in'}
          </button>
          {missing && (
            <p className="soft small" id={why}>
              Enter a token to log in.
            </p>
          )}
          {error !== null && (error.unauthenticated ? <p role="alert">This token is not valid: it may have expired or been revoked.</p> : <Failed error={error} />)}
          <p className="soft small">
            An administrator makes one with <code>podtrail token create</code>. A token of your OIDC provider works too, where one is
            configured.
          </p>
        </div>
      </form>
    </main>
  )
}
