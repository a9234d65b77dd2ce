// The roles of a workload as a tree: its service account at the root, each role below the one it was assumed from.
import type { Schemas } from '../../api/client'
import { arnAccount } from '../../format'

/** Calls made with a role. */
interface Figures {
  calls: number
  denied: number
}

/** A role at its place in the tree. */
export interface RoleNode {
  key: string
  role_arn: string | null
  /** How its credentials were had. */
  access_path: string | null
  hops: number
  /** Sessions that were issued; null where no record of one is in the store. */
  sessions: number | null
  /** Sessions of it of which no record shows what they were assumed from. */
  untold: number
  figures: Figures | null
  /** Whether it is in another account than the role that it was assumed from. */
  crosses: boolean
  /** Drawn with what follows elsewhere in the tree already. */
  repeated: boolean
  children: RoleNode[]
}

type Chain = Schemas['RoleChain']
type Action = Pick<Schemas['WorkloadAction'], 'access_path' | 'role_arn' | 'calls' | 'denied'>

function figuresOf(actions: readonly Action[]): Map<string, Figures & { access_path: string | null }> {
  const found = new Map<string, Figures & { access_path: string | null }>()
  for (const action of actions) {
    const key = action.role_arn ?? ''
    const one = found.get(key) ?? { calls: 0, denied: 0, access_path: action.access_path }
    one.calls += action.calls ?? 0
    one.denied += action.denied ?? 0
    found.set(key, one)
  }
  return found
}

const place = (chain: Chain) => JSON.stringify([chain.role_arn, chain.hops, chain.mechanism])

/** Chains whose parent is not shown join one whose parent is; alone they stand below the service account. */
function joined(chains: readonly Chain[]): (Chain & { untold: number })[] {
  const told = chains.filter((chain) => chain.parent_role_arn !== null || (chain.hops ?? 0) === 0)
  const rows = told.map((chain) => ({ ...chain, untold: 0 }))
  for (const chain of chains) {
    if (chain.parent_role_arn === null && (chain.hops ?? 0) > 0) {
      const same = rows.find((row) => place(row) === place(chain))
      if (same === undefined) {
        rows.push({ ...chain, untold: chain.sessions })
      } else {
        same.sessions += chain.sessions
        same.untold += chain.sessions
      }
    }
  }
  return rows
}

/** The tree, from chains of sessions and from calls; a role that only one of them knows is in it as well. */
export function roleTree(
  chains: readonly Chain[],
  actions: readonly Action[],
  uses: readonly Pick<Schemas['WorkloadRow'], 'role_arn' | 'hops'>[],
): RoleNode[] {
  const figures = figuresOf(actions)
  const rows = joined(chains)
  const drawn = new Set<string>()

  const node = (chain: (typeof rows)[number], parentAccount: string | null): RoleNode => {
    const key = place(chain)
    const repeated = drawn.has(key)
    drawn.add(key)
    const account = arnAccount(chain.role_arn)
    const following = repeated
      ? []
      : rows.filter(
          (row) => row.parent_role_arn === chain.role_arn && row.mechanism === chain.mechanism && row.hops === (chain.hops ?? 0) + 1,
        )
    return {
      key,
      role_arn: chain.role_arn,
      access_path: chain.mechanism,
      hops: chain.hops ?? 0,
      sessions: chain.sessions,
      untold: chain.untold,
      figures: figures.get(chain.role_arn ?? '') ?? null,
      crosses: parentAccount !== null && account !== null && account !== parentAccount,
      repeated,
      children: following.map((row) => node(row, account)),
    }
  }

  const issued = new Set(rows.map((row) => row.role_arn))
  const top = rows.filter((row) => row.parent_role_arn === null).map((row) => node(row, null))
  // Roles without a session of the workload's own: a node's role, or one that was refused.
  const bare = [...figures.entries()]
    .filter(([arn]) => !issued.has(arn))
    .toSorted((a, b) => Number(a[1].access_path === 'node_role') - Number(b[1].access_path === 'node_role'))
    .map(([arn, one]): RoleNode => {
      const following = rows.filter((row) => row.parent_role_arn === arn)
      return {
        key: `bare ${arn}`,
        role_arn: arn === '' ? null : arn,
        access_path: one.access_path,
        hops: uses.find((use) => use.role_arn === arn)?.hops ?? 0,
        sessions: null,
        untold: 0,
        figures: one,
        crosses: false,
        repeated: false,
        children: following.map((row) => node(row, arnAccount(arn))),
      }
    })
  // What was assumed from a role that is not here, such as before the time range begins.
  const rest = rows.flatMap((row) => (drawn.has(place(row)) ? [] : [node(row, null)]))
  return [...top, ...bare, ...rest]
}

/** Roles of a tree, each once. */
export function rolesOf(tree: readonly RoleNode[]): string[] {
  const found = new Set<string>()
  const walk = (nodes: readonly RoleNode[]) => {
    for (const one of nodes) {
      if (one.role_arn !== null) {
        found.add(one.role_arn)
      }
      walk(one.children)
    }
  }
  walk(tree)
  return [...found]
}
