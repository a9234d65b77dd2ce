// Statements that the page leads to, for what goes beyond a story.

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

const CALLS = 'SELECT event_time, event_source, event_name, error_code, aws_region, source_ip_address, access_key_id, event_id\nFROM events'

export const sqlText = {
  /** Calls signed with an access key. */
  key: (key: string) => `${CALLS}\nWHERE access_key_id = ${quoted(key)}\nORDER BY event_time`,
  /** Calls of an identity by its ARN. */
  identity: (arn: string) => `${CALLS}\nWHERE identity_arn = ${quoted(arn)}\nORDER BY event_time DESC`,
  /** Sessions of a role. */
  assumed: (arn: string) =>
    `SELECT issued_at, mechanism, cluster, namespace, service_account, pod, node, hops, access_key_id, event_id\nFROM sessions\nWHERE role_arn = ${quoted(arn)}\nORDER BY issued_at DESC`,
  /** All columns of an event. */
  event: (id: string) => `SELECT *\nFROM events\nWHERE event_id = ${quoted(id)}`,
  /** Who showed a text as the name of a thing. */
  pods: (name: string) =>
    `SELECT cluster, namespace, service_account, pod, workload, valid_from, valid_to\nFROM pods\nWHERE pod = ${quoted(name)} OR service_account = ${quoted(name)}\nORDER BY valid_from DESC`,
}
