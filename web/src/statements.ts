// Statements that pages lead to, for what goes beyond them: they are run on the page SQL.

/** A text as SQL has it. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

const CALLS = 'SELECT event_time, event_source, event_name, error_code, aws_region, source_ip_address, access_key_id, event_id\nFROM events'
const WHOSE = 'SELECT event_time, event_source, event_name, access_path, actor, namespace, service_account, pod, confidence, evidence, event_id\nFROM attribution'

/** All rows of a view with these values, such as those of the inventory that something rests on. */
export function rowsOf(view: string, values: Readonly<Record<string, string>>, order?: string): string {
  const conditions = Object.entries(values).map(([column, value]) => `${column} = ${quoted(value)}`)
  return where(view, conditions, order)
}

function where(view: string, conditions: readonly string[], order?: string): string {
  const narrowed = conditions.length === 0 ? '' : `\nWHERE ${conditions.join('\n  AND ')}`
  return `SELECT *\nFROM ${view}${narrowed}${order === undefined ? '' : `\nORDER BY ${order}`}`
}

export const sqlText = {
  /** Calls signed with an access key. */
  key: (key: string) => `${CALLS}\nWHERE access_key_id = ${quoted(key)}\nORDER BY event_time`,
  /** Calls of an identity by its ARN. */
  identity: (arn: string) => `${CALLS}\nWHERE identity_arn = ${quoted(arn)}\nORDER BY event_time DESC`,
  /** Whose the calls with an access key are, each with its evidence. */
  whoseKey: (key: string) => `${WHOSE}\nWHERE access_key_id = ${quoted(key)}\nORDER BY event_time`,
  /** The same of the calls of an identity. */
  whoseIdentity: (arn: string) => `${WHOSE}\nWHERE event_id IN (SELECT event_id FROM events WHERE identity_arn = ${quoted(arn)})\nORDER BY event_time`,
  /** Sessions of a role. */
  assumed: (arn: string) =>
    `SELECT issued_at, mechanism, cluster, namespace, service_account, pod, node, hops, access_key_id, event_id\nFROM sessions\nWHERE role_arn = ${quoted(arn)}\nORDER BY issued_at DESC`,
  /** All columns of an event. */
  event: (id: string) => rowsOf('events', { event_id: id }),
  /** Who showed a text as the name of a thing. */
  pods: (name: string) =>
    `SELECT cluster, namespace, service_account, pod, workload, valid_from, valid_to\nFROM pods\nWHERE pod = ${quoted(name)} OR service_account = ${quoted(name)}\nORDER BY valid_from DESC`,
  /** Pods that were on a node at a time. */
  podsOn: (node: string, time: string) =>
    where('pods', [`instance_id = ${quoted(node)}`, `valid_from <= ${quoted(time)}`, `(valid_to IS NULL OR valid_to > ${quoted(time)})`], 'namespace, pod'),
  /** Rows about a role; ARNs of sessions leave out its path. */
  ofRole: (view: string, arn: string) => where(view, [`plain_role_arn(role_arn) = plain_role_arn(${quoted(arn)})`]),
  /** What a Fargate execution role is known from. */
  fargateRole: (arn: string) => where('fargate_roles', [`plain_arn = plain_role_arn(${quoted(arn)})`]),
  /** Programs of a service account, by what they say of themselves. */
  userAgents: (cluster: string, namespace: string, serviceAccount: string) =>
    `SELECT user_agent, sum(calls) AS calls, min(event_id) AS event_id\nFROM activity_attribution\nWHERE cluster = ${quoted(cluster)}\n  AND namespace = ${quoted(namespace)}\n  AND service_account = ${quoted(serviceAccount)}\nGROUP BY user_agent\nORDER BY calls DESC`,
  /** Calls that a node's role made within a second of a time. */
  beside: (node: string, time: string) =>
    `${CALLS}\nWHERE session_name = ${quoted(node)}\n  AND event_time BETWEEN TIMESTAMP ${quoted(time)} - INTERVAL '1 second' AND TIMESTAMP ${quoted(time)} + INTERVAL '1 second'\nORDER BY event_time`,
}
