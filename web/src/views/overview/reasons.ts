/** What each reason means, and what to do where something can be done. */
export const REASON_MEANING: Record<string, string> = {
  role_session_of_no_known_workload: 'A role session that no pod’s credentials led to: people, CI, Lambda, ECS.',
  instance_of_no_known_cluster: 'An EC2 instance whose role nothing ties to a cluster. If it is a node, import the inventory of its cluster.',
  aws_service: 'AWS services acting for themselves.',
  session_older_than_store: 'Issued before the first event here, so that the record that names it is missing. Read older events to learn it.',
  iam_user: 'Long-lived access keys or the console of an IAM user.',
  other_web_identity: 'OpenID Connect of others than Kubernetes, such as GitHub Actions.',
  saml_user: 'People who log in through SAML.',
  root_user: 'The account’s root user. Rarely right: look at it.',
  no_identity: 'The record does not say who made the call.',
  other_identity: 'None of the others.',
}
