// Commands that set IMDS hop limit 1 for the instances of a node role, and for those yet to be launched.
// Tokens are required as well: the hop limit only bounds the answer that carries a token (IMDSv2); without tokens
// (IMDSv1) pods go on to be answered at any hop limit.
import { arnName } from '../../format'

export interface Step {
  title: string
  command: string
}

export interface Way {
  name: 'instances' | 'nodegroups' | 'karpenter' | 'terraform'
  title: string
  lead: string
  steps: Step[]
}

/** Where the commands apply. Values come from records: they stand in commands only quoted. */
export interface Target {
  /** By its name alone. */
  cluster: string | null
  region: string | null
  role_arn: string | null
  nodegroups: readonly string[]
}

/**
 * Name and region of a cluster, as commands want them. It is called by its ARN where several have its name, and by its OIDC issuer
 * where no name is known: what does not tell one of them leaves it null.
 */
export function placeOf(cluster: string | null): Pick<Target, 'cluster' | 'region'> {
  const [, region = null, name = null] = /^arn:[^:]*:eks:([^:]*):[^:]*:cluster\/(.+)$/.exec(cluster ?? '') ?? []
  if (name !== null) {
    return { cluster: name, region }
  }
  const issuer = /^oidc\.eks\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/id\//.exec(cluster ?? '')?.[1] ?? null
  return cluster?.includes('/') === true ? { cluster: null, region: issuer } : { cluster, region: null }
}

/** Quotes a value for a POSIX shell: nothing in it has a meaning there. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`
}

function assignment(name: string, value: string | null, question: string): string {
  return value === null ? `${name}=\${${name}:?set ${name} to ${question}}` : `${name}=${quote(value)}`
}

const FIND = `PROFILES=$(aws iam list-instance-profiles-for-role --role-name "\${ROLE}" \\
  --query 'InstanceProfiles[].Arn' --output text | tr '\\t' ',')
INSTANCES=$(aws ec2 describe-instances --region "\${REGION}" --output text \\
  --query 'Reservations[].Instances[].InstanceId' --filters \\
  "Name=iam-instance-profile.arn,Values=\${PROFILES}" \\
  "Name=tag-key,Values=kubernetes.io/cluster/\${CLUSTER}" \\
  'Name=instance-state-name,Values=running')
echo "\${INSTANCES}"`

const SHOW = `aws ec2 describe-instances --region "\${REGION}" --instance-ids \${INSTANCES} --output table \\
  --query 'Reservations[].Instances[].[InstanceId,MetadataOptions.HttpPutResponseHopLimit,MetadataOptions.HttpTokens]'`

function modify(hops: number): string {
  return `for INSTANCE in \${INSTANCES}; do
  aws ec2 modify-instance-metadata-options --region "\${REGION}" --instance-id "\${INSTANCE}" \\
    --http-tokens required --http-put-response-hop-limit ${hops}
done`
}

export function ways(target: Target): Way[] {
  return [running(target), managed(target), karpenter(target), terraform()]
}

function running(target: Target): Way {
  return {
    name: 'instances',
    title: 'Running instances',
    lead: 'Takes effect at once, without a restart, and can be taken back at once. Begin with one instance.',
    steps: [
      {
        title: 'Set what the next steps use',
        command: [
          assignment('CLUSTER', target.cluster, 'the name of the EKS cluster'),
          assignment('REGION', target.region, 'the region of the cluster'),
          assignment('ROLE', target.role_arn === null ? null : arnName(target.role_arn), 'the name of the node role'),
        ].join('\n'),
      },
      { title: 'Find the running instances of the role', command: FIND },
      { title: 'Set hop limit 1, tokens required', command: modify(1) },
      { title: 'Look whether it is so', command: SHOW },
      { title: 'Only to take it back: hop limit 2; with --http-tokens optional where it was so before', command: modify(2) },
    ],
  }
}

function managed(target: Target): Way {
  const groups = target.nodegroups.length === 0 ? null : target.nodegroups
  const first = groups?.[0] ?? null
  return {
    name: 'nodegroups',
    title: 'Managed node groups',
    lead:
      'For instances yet to be launched: a new version of the launch template that the node group was made with. The last step replaces its nodes, ' +
      'within its limits for updates. A node group made without a launch template of yours cannot be given one: make a new node group with one and move the pods.',
    steps: [
      {
        title: 'Set what the next steps use',
        command: [
          assignment('CLUSTER', target.cluster, 'the name of the EKS cluster'),
          assignment('REGION', target.region, 'the region of the cluster'),
          `${assignment('NODEGROUP', first, 'the name of the node group')}${groups !== null && groups.length > 1 ? ` # then ${groups.slice(1).join(', ').replaceAll(/[^\w.:/, -]/g, '?')}` : ''}`,
        ].join('\n'),
      },
      {
        title: 'Find its launch template; None where it has none of yours',
        command: `TEMPLATE=$(aws eks describe-nodegroup --region "\${REGION}" --cluster-name "\${CLUSTER}" \\
  --nodegroup-name "\${NODEGROUP}" --query nodegroup.launchTemplate.id --output text)
VERSION=$(aws eks describe-nodegroup --region "\${REGION}" --cluster-name "\${CLUSTER}" \\
  --nodegroup-name "\${NODEGROUP}" --query nodegroup.launchTemplate.version --output text)
echo "\${TEMPLATE} \${VERSION}"`,
      },
      {
        title: 'Make a version with hop limit 1, tokens required',
        command: `VERSION=$(aws ec2 create-launch-template-version --region "\${REGION}" \\
  --launch-template-id "\${TEMPLATE}" --source-version "\${VERSION}" \\
  --launch-template-data '{"MetadataOptions":{"HttpTokens":"required","HttpPutResponseHopLimit":1}}' \\
  --query LaunchTemplateVersion.VersionNumber --output text)`,
      },
      {
        title: 'Let the node group use it; this replaces its nodes',
        command: `aws eks update-nodegroup-version --region "\${REGION}" --cluster-name "\${CLUSTER}" \\
  --nodegroup-name "\${NODEGROUP}" --launch-template "id=\${TEMPLATE},version=\${VERSION}"`,
      },
    ],
  }
}

function karpenter(target: Target): Way {
  return {
    name: 'karpenter',
    title: 'Karpenter',
    lead: 'For nodes that Karpenter launches. A changed node class makes its nodes drift: Karpenter replaces them, within its disruption budgets.',
    steps: [
      {
        title: 'See which node classes use the role, and their options',
        command: `${assignment('ROLE', target.role_arn === null ? null : arnName(target.role_arn), 'the name of the node role')}
kubectl get ec2nodeclasses --output \\
  'custom-columns=NAME:.metadata.name,ROLE:.spec.role,HOP_LIMIT:.spec.metadataOptions.httpPutResponseHopLimit,TOKENS:.spec.metadataOptions.httpTokens' \\
  | grep -e '^NAME' -e "\${ROLE}"`,
      },
      {
        title: 'Set hop limit 1, tokens required',
        command: `NODE_CLASS=\${NODE_CLASS:?set NODE_CLASS to a name from the list}
kubectl patch ec2nodeclass "\${NODE_CLASS}" --type merge \\
  --patch '{"spec":{"metadataOptions":{"httpTokens":"required","httpPutResponseHopLimit":1}}}'`,
      },
    ],
  }
}

function terraform(): Way {
  return {
    name: 'terraform',
    title: 'Terraform',
    lead: 'In the launch template of the node group. In an EC2NodeClass it is spec.metadataOptions, as under Karpenter.',
    steps: [
      {
        title: 'Metadata options of the launch template',
        command: `resource "aws_launch_template" "nodes" {
  # what it has already

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}`,
      },
    ],
  }
}

/** All steps as one script. What only takes the change back stays out of it. */
export function script(way: Way): string {
  const steps = way.steps.filter((step) => !step.title.startsWith('Only to'))
  return `${steps.map((step) => `# ${step.title}\n${step.command}`).join('\n\n')}\n`
}
