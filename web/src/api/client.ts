// The only place that calls fetch.
import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from '../../generated/schema'
import { token } from './token'

export type Schemas = components['schemas']

/** A path of the API that is read with GET. */
export type GetPath = { [P in keyof paths]: paths[P] extends { get: unknown } ? P : never }[keyof paths]

/** What the service says of an error (RFC 9457), or what the browser says where it could not be asked. */
export class ApiError extends Error {
  readonly status: number
  readonly detail: string | null
  readonly requestId: string | null
  readonly retryAfterSeconds: number | null

  constructor(status: number, title: string, document?: Partial<Schemas['ProblemDocument']>) {
    super(title)
    this.name = 'ApiError'
    this.status = status
    this.detail = document?.detail ?? null
    this.requestId = document?.request_id ?? null
    this.retryAfterSeconds = document?.retry_after ?? null
  }

  /** Nobody answered: the service is stopped, or the network is down. */
  get unreachable(): boolean {
    return this.status === 0
  }

  get unauthenticated(): boolean {
    return this.status === 401
  }
}

const authorization: Middleware = {
  onRequest({ request }) {
    const value = token.get()
    // A token that is tried is not the one that is kept.
    if (value !== null && !request.headers.has('authorization')) {
      request.headers.set('authorization', `Bearer ${value}`)
    }
    return request
  },
  onError() {
    return new ApiError(0, 'The service does not answer.')
  },
}

export const client = createClient<paths>({ baseUrl: '/' })
client.use(authorization)

/** Gives the answer's data, or throws its problem. */
export async function answer<Data>(call: Promise<{ data?: Data; error?: unknown; response: Response }>): Promise<Data> {
  const { data, error, response } = await call
  if (data !== undefined && response.ok) {
    return data
  }
  throw problem(response, error)
}

function problem(response: Response, error: unknown): ApiError {
  const document = typeof error === 'object' && error !== null ? (error as Partial<Schemas['ProblemDocument']>) : undefined
  return new ApiError(response.status, document?.title ?? `The service answered ${response.status}.`, document)
}

/** Runs a statement; its rows as JSON. */
export function sqlRows(body: Schemas['SqlRequest'], signal?: AbortSignal): Promise<Schemas['Rows']> {
  // Of the forms that the service knows, the client asks for JSON.
  return answer(client.POST('/api/v1/sql', { body, ...(signal === undefined ? {} : { signal }) }) as Promise<{ data?: Schemas['Rows']; error?: unknown; response: Response }>)
}

/** Asks for a statement's rows in a form other than JSON, to be saved as a file. */
export async function sqlFile(request: Schemas['SqlRequest'], accept: string): Promise<Blob> {
  const value = token.get()
  const response = await fetch('/api/v1/sql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(value === null ? {} : { authorization: `Bearer ${value}` }),
    },
    body: JSON.stringify(request),
  }).catch(() => {
    throw new ApiError(0, 'The service does not answer.')
  })
  if (!response.ok) {
    throw problem(response, await response.json().catch(() => undefined))
  }
  return response.blob()
}
