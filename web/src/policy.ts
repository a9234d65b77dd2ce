// IAM policy documents as text.

const POLICY_ORDER = ['Version', 'Id', 'Statement', 'Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']

/** A policy document as people write it: members in the usual order. */
export function policyText(document: unknown): string {
  return JSON.stringify(ordered(document), null, 2)
}

function place(name: string): number {
  const at = POLICY_ORDER.indexOf(name)
  return at === -1 ? POLICY_ORDER.length : at
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(ordered)
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
      .map(([name, member]) => [name, ordered(member)]),
  )
}

/** Whether a JSON value is a policy document. */
export function isPolicy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'Statement' in value
}
