import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const fetched = vi.hoisted(() => {
  // The client takes both when it is made: a browser knows relative addresses, Node does not.
  const Whole = class extends Request {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === 'string' ? new URL(input, 'http://service') : input, init)
    }
  }
  const fake = vi.fn<(input: Request | string, init?: RequestInit) => Promise<Response>>()
  vi.stubGlobal('Request', Whole)
  vi.stubGlobal('fetch', (input: Request | string, init?: RequestInit) => fake(input, init))
  return fake
})

import { ApiError, answer, client, sqlFile } from './client'
import { token } from './token'

const problem = { type: '/problems/bad-request', title: 'bad request', status: 400, detail: 'from: no time', request_id: 'r1', retry_after: 3 }

const stored = new Map<string, string>()
vi.stubGlobal('sessionStorage', {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
  removeItem: (key: string) => stored.delete(key),
})

const answering = (body: unknown, status = 200) =>
  fetched.mockResolvedValue(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }))

const caught = async (call: Promise<unknown>): Promise<ApiError> => {
  const reason: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  )
  expect(reason).toBeInstanceOf(ApiError)
  return reason as ApiError
}

/** The authorization that was sent. */
const sent = (): string | null => {
  const request = fetched.mock.calls[0]?.[0]
  return request instanceof Request ? request.headers.get('authorization') : 'no request'
}

beforeEach(() => {
  stored.clear()
})
afterEach(() => {
  fetched.mockReset()
})

describe('an answer', () => {
  test('is given as it came', async () => {
    answering({ status: 'ready' })
    expect(await answer(client.GET('/readyz'))).toEqual({ status: 'ready' })
  })

  test('that is a problem is thrown with all that the service says', async () => {
    answering(problem, 400)
    const error = await caught(answer(client.GET('/readyz')))
    expect(error).toMatchObject({ status: 400, message: 'bad request', detail: 'from: no time', requestId: 'r1', retryAfterSeconds: 3 })
    expect(error.unreachable).toBe(false)
    expect(error.unauthenticated).toBe(false)
  })

  test('that is no problem document still tells its status', async () => {
    answering('<html>Bad gateway</html>', 502)
    expect(await caught(answer(client.GET('/readyz')))).toMatchObject({ status: 502, message: 'The service answered 502.', detail: null, requestId: null })
  })

  test('that never came is told from one that did', async () => {
    fetched.mockRejectedValue(new TypeError('Failed to fetch'))
    const error = await caught(answer(client.GET('/readyz')))
    expect(error.unreachable).toBe(true)
    expect(error.message).toBe('The service does not answer.')
  })

  test('without a valid token asks for one', async () => {
    answering({ ...problem, status: 401 }, 401)
    expect((await caught(answer(client.GET('/readyz')))).unauthenticated).toBe(true)
  })
})

describe('the token', () => {
  test('goes along once there is one', async () => {
    answering({})
    token.set('secret')
    await answer(client.GET('/readyz'))
    expect(sent()).toBe('Bearer secret')
  })

  test('that is tried goes in its place', async () => {
    answering({})
    token.set('secret')
    await answer(client.GET('/readyz', { headers: { authorization: 'Bearer other' } }))
    expect(sent()).toBe('Bearer other')
  })

  test('is not made up', async () => {
    answering({})
    await answer(client.GET('/readyz'))
    expect(sent()).toBeNull()
  })

  test('is forgotten, and those who listen are told', () => {
    const told = vi.fn<() => void>()
    const stop = token.subscribe(told)
    token.set('secret')
    token.set(null)
    expect(token.get()).toBeNull()
    expect(told).toHaveBeenCalledTimes(2)
    stop()
    token.set('other')
    expect(told).toHaveBeenCalledTimes(2)
  })
})

describe('rows as a file', () => {
  test('come in the form that was asked for', async () => {
    answering('n\r\n1\r\n')
    token.set('secret')
    const file = await sqlFile({ query: 'SELECT 1 AS n' }, 'text/csv')
    expect(await file.text()).toBe('n\r\n1\r\n')
    const [path, init] = fetched.mock.calls[0] ?? []
    expect(path).toBe('/api/v1/sql')
    expect(init).toMatchObject({
      method: 'POST',
      headers: { accept: 'text/csv', authorization: 'Bearer secret', 'content-type': 'application/json' },
      body: '{"query":"SELECT 1 AS n"}',
    })
  })

  test('that are refused say why', async () => {
    answering(problem, 400)
    expect(await caught(sqlFile({ query: 'DROP TABLE events' }, 'text/csv'))).toMatchObject({ status: 400, detail: 'from: no time' })
  })

  test('of a service that is stopped', async () => {
    fetched.mockRejectedValue(new TypeError('Failed to fetch'))
    expect((await caught(sqlFile({ query: 'SELECT 1' }, 'text/csv'))).unreachable).toBe(true)
  })
})
