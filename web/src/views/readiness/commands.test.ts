import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { placeOf, quote, script, ways, type Target } from './commands'

const TARGET: Target = { cluster: 'prod', region: 'eu-west-1', role_arn: 'arn:aws:iam::111122223333:role/team/prod-ng-1', nodegroups: ['ng-1', 'ng-2'] }

/** Lets bash read a script without running it. */
function parses(text: string): boolean {
  execFileSync('bash', ['-n'], { input: text })
  return true
}

test('values are quoted', () => {
  expect(quote("a'b $(x)")).toBe(String.raw`'a'\''b $(x)'`)
})

describe('ways', () => {
  test('name the role without its path', () => {
    expect(ways(TARGET)[0]?.steps[0]?.command).toBe("CLUSTER='prod'\nREGION='eu-west-1'\nROLE='prod-ng-1'")
  })
  test('ask for what is not known', () => {
    expect(ways({ ...TARGET, region: null })[0]?.steps[0]?.command).toContain('REGION=${REGION:?set REGION to the region of the cluster}')
  })
  test('require tokens with hop limit 1', () => {
    for (const way of ways(TARGET)) {
      expect(script(way)).toMatch(/required/)
      expect(script(way)).toMatch(/hop-limit 1|HopLimit":1|hop_limit = 1/)
    }
  })
  test('are bash', () => {
    const nasty: Target = { cluster: "a'; rm -rf /; '", region: '$(x)', role_arn: "arn:aws:iam::1:role/`x`'", nodegroups: ["n'g", '\n$(touch x)'] }
    for (const target of [TARGET, nasty, { cluster: null, region: null, role_arn: null, nodegroups: [] }]) {
      for (const way of ways(target).filter((one) => one.name !== 'terraform')) {
        expect(parses(script(way))).toBe(true)
      }
    }
  })
  test('let no value out of its quotes', () => {
    const text = ways({ ...TARGET, nodegroups: ['ng-1', 'x\ntouch y', '$(z)'] })[1]?.steps[0]?.command ?? ''
    expect(text.split('\n')).toHaveLength(3)
    expect(text).toContain('# then x?touch y, ??z?')
  })
  test('copy no step that takes the change back', () => {
    const first = ways(TARGET)[0]
    expect(first === undefined ? '' : script(first)).not.toContain('hop-limit 2')
  })
})

test.each([
  ['prod', 'prod', null],
  ['arn:aws:eks:eu-west-1:111122223333:cluster/prod', 'prod', 'eu-west-1'],
  ['arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod', 'prod', 'cn-north-1'],
  ['oidc.eks.eu-west-1.amazonaws.com/id/ABC', null, 'eu-west-1'],
  ['oidc.example.com/id/ABC', null, null],
  [null, null, null],
])('of cluster %s commands have the name %s and the region %s', (cluster, name, region) => {
  expect(placeOf(cluster)).toEqual({ cluster: name, region })
})
