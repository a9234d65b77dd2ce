import { describe, expect, test } from 'vitest'
import type { Schemas } from '../../api/client'
import { roleTree, rolesOf } from './chains'

const OWN = 'arn:aws:iam::1:role/own'
const NEXT = 'arn:aws:iam::1:role/next'
const FAR = 'arn:aws:iam::2:role/far'
const NODE = 'arn:aws:iam::1:role/node'

function chain(parent: string | null, role: string, hops: number, sessions = 1, mechanism = 'irsa'): Schemas['RoleChain'] {
  return { parent_role_arn: parent, role_arn: role, hops, sessions, mechanism, first_seen: null, last_seen: null }
}

function calls(role: string, number: number, path = 'irsa') {
  return { access_path: path, role_arn: role, calls: number, denied: 0 }
}

describe('the tree of roles', () => {
  test('follows the sessions, over accounts', () => {
    const [root, ...others] = roleTree(
      [chain(null, OWN, 0, 5), chain(OWN, NEXT, 1, 4), chain(NEXT, FAR, 2, 4)],
      [calls(OWN, 9), calls(OWN, 1)],
      [],
    )
    expect(others).toHaveLength(0)
    expect(root).toMatchObject({ role_arn: OWN, sessions: 5, figures: { calls: 10 }, crosses: false })
    expect(root?.children[0]).toMatchObject({ role_arn: NEXT, crosses: false })
    expect(root?.children[0]?.children[0]).toMatchObject({ role_arn: FAR, crosses: true, hops: 2 })
  })

  test('counts a session without a known parent with its like, and says so', () => {
    const tree = roleTree([chain(null, OWN, 0), chain(OWN, NEXT, 1, 4), chain(null, NEXT, 1, 2)], [], [])
    expect(tree).toHaveLength(1)
    expect(tree[0]?.children[0]).toMatchObject({ sessions: 6, untold: 2 })
  })

  test('has at its top what was assumed from a role that nothing shows', () => {
    expect(roleTree([chain(null, FAR, 1, 3)], [], [])).toMatchObject([{ role_arn: FAR, untold: 3, hops: 1 }])
  })

  test('leaves out nothing that was assumed from a role outside the time range', () => {
    expect(rolesOf(roleTree([chain(NEXT, FAR, 2)], [], []))).toEqual([FAR])
  })

  test('has a node role by its calls, and what was assumed from it', () => {
    const tree = roleTree([chain(NODE, FAR, 1, 3, 'node_role')], [calls(NODE, 7, 'node_role')], [])
    expect(tree).toMatchObject([{ role_arn: NODE, access_path: 'node_role', sessions: null, children: [{ role_arn: FAR, crosses: true }] }])
  })

  test('draws what two roles lead to once, so that it stays small', () => {
    const rows = [chain(null, OWN, 0), chain(null, NODE, 0), chain(OWN, NEXT, 1), chain(NODE, NEXT, 1), chain(NEXT, FAR, 2)]
    const tree = roleTree(rows, [], [])
    expect(tree[0]?.children[0]).toMatchObject({ repeated: false })
    expect(tree[1]?.children[0]).toMatchObject({ repeated: true, children: [] })
    expect(rolesOf(tree)).toEqual([OWN, NEXT, FAR, NODE])
  })
})
