import { describe, expect, it } from 'vitest'
import { explainedId, subject } from './subject'

describe('subject', () => {
  it('tells ids apart by their form', () => {
    expect(subject(' 0000f562-6ec6-455d-9a9e-325b10de716c ')).toEqual({ kind: 'event', id: '0000f562-6ec6-455d-9a9e-325b10de716c' })
    expect(subject('ASIAPNQXOKNDIUJOXOZK').kind).toBe('access_key')
    expect(subject('prod/shop/web')).toMatchObject({ kind: 'service_account', cluster: 'prod', namespace: 'shop', serviceAccount: 'web' })
    expect(subject('prod/shop/web/web-0')).toMatchObject({ kind: 'pod', pod: 'web-0' })
    expect(subject('shop/web').kind).toBe('incomplete')
  })

  it('takes an OIDC issuer for a cluster', () => {
    const issuer = 'oidc.eks.eu-west-1.amazonaws.com/id/0A1B'
    expect(subject(`${issuer}/shop/web`)).toMatchObject({ kind: 'service_account', cluster: issuer, namespace: 'shop' })
    expect(subject(`${issuer}/shop/web/web-0`)).toMatchObject({ kind: 'pod', cluster: issuer, pod: 'web-0' })
  })

  it('takes the ARN of a cluster for a cluster', () => {
    const cluster = 'arn:aws:eks:eu-west-1:111122223333:cluster/prod'
    expect(subject(`${cluster}/shop/web`)).toMatchObject({ kind: 'service_account', cluster, namespace: 'shop', serviceAccount: 'web' })
    expect(subject(`${cluster}/shop/web/web-0`)).toMatchObject({ kind: 'pod', cluster, pod: 'web-0' })
    expect(subject(cluster).kind).toBe('identity')
  })

  it('knows roles, with and without a path, their sessions, and other ARNs', () => {
    const role = 'arn:aws:iam::444455556666:role/shared/vault-writer'
    expect(subject(role)).toEqual({ kind: 'role', id: role })
    expect(subject('arn:aws-cn:iam::444455556666:role/web').kind).toBe('role')
    expect(subject('arn:aws:sts::111122223333:assumed-role/web/i-0a1b')).toMatchObject({ kind: 'role_session', session: 'i-0a1b' })
    const user = subject('arn:aws:iam::111122223333:user/nightly-export')
    expect(user.kind).toBe('identity')
    expect(explainedId(user)).toBe('arn:aws:iam::111122223333:user/nightly-export')
    expect(explainedId(subject('shop/web'))).toBeNull()
  })
})
