// Commands that compare a policy of what was called with what a role is granted.
import { arnName, items } from '../../format'

/** A word for a shell, quoted where it has to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** Shows what a role is granted, and asks IAM Access Analyzer what of it goes beyond the calls seen. */
export function compareCommands(roleArn: string): string {
  const name = quoted(arnName(roleArn))
  return [
    '# Names of its policies',
    'aws iam list-attached-role-policies \\',
    `  --role-name ${name}`,
    'aws iam list-role-policies \\',
    `  --role-name ${name}`,
    '',
    '# Text of one: attached, or inline',
    'aws iam get-policy-version \\',
    '  --policy-arn ARN --version-id VERSION \\',
    '  --query PolicyVersion.Document > granted.json',
    'aws iam get-role-policy \\',
    `  --role-name ${name} \\`,
    '  --policy-name NAME \\',
    '  --query PolicyDocument > granted.json',
    '',
    '# FAIL: it grants more than was called',
    'aws accessanalyzer check-no-new-access \\',
    '  --policy-type IDENTITY_POLICY \\',
    '  --existing-policy-document file://seen.json \\',
    '  --new-policy-document file://granted.json',
  ].join('\n')
}

/** An action as a policy allows it, with what it excepts. */
export function allowedName(allowed: { action: string; except: readonly string[] }): string {
  return allowed.except.length === 0 ? allowed.action : `${allowed.action} except ${allowed.except.join(', ')}`
}

const KINDS: Record<string, string> = { inline: 'Inline policy', managed: 'Managed policy', boundary: 'Permissions boundary' }

export function policyKind(kind: string): string {
  return KINDS[kind] ?? kind
}

const TITLES: Record<string, string> = {
  data_events_missing: 'Data events missing',
  no_data_events: 'No data events',
  denied: 'Refused calls',
  general_rule: 'Named by rule',
  resource_not_named: 'Resource not in the records',
  resource_unknown: 'Resource not known',
  no_resource_level: 'No resource level',
  generalised: 'Put together',
  no_permission: 'Needs no permission',
  split: 'Several documents',
}

export function noteTitle(code: string): string {
  return TITLES[code] ?? code.replaceAll('_', ' ')
}

/** A sentence of the API with its capital and full stop. Names that begin it, such as `s3:ListBucket`, keep their first letter. */
export function sentence(text: string): string {
  const begun = /^(the|on|named) /.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}

/**
 * Whether a list of CLUSTER/NAMESPACE/SERVICE_ACCOUNT has one of the name. The cluster may stand there by its OIDC issuer, so that
 * another cluster's does not prove that it is not meant.
 */
export function names(list: string | null, wanted: { namespace: string; service_account: string }): boolean {
  return items(list).some((one) => one.endsWith(`/${wanted.namespace}/${wanted.service_account}`))
}
