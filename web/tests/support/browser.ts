// Chromium, and pages in it that tell of everything that should not be.
import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest'

/** The longest that is waited for anything on a page; nothing takes this long but on a machine that is busy. */
export const PATIENCE_MS = 60_000

export interface Given {
  theme?: 'light' | 'dark'
  width?: number
  height?: number
  /** Service other than that of the demo. */
  address?: string
  /** Token that the tab has from the beginning. */
  token?: string
}

/** A page, and what went wrong on it. */
export interface Visit {
  page: Page
  /** Errors of the page and of its console, breaches of its policy, requests to elsewhere. */
  faults: string[]
  /** Goes to an address of the dashboard and waits until nothing loads. */
  go: (path: string) => Promise<void>
}

/** What Chromium says of answers with an error status, and of those that never came; tests of errors expect it. */
const REFUSED = /^console: Failed to load resource/

/** Opens pages in a browser that the tests of this file share. A page that has faults fails its test. */
export function visits(): { open: (path: string, given?: Given) => Promise<Visit>; expectRefusals: (also?: RegExp) => void } {
  let browser: Browser | undefined
  let open: { context: BrowserContext; visit: Visit }[] = []
  let expected: RegExp[] = []

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
  })
  afterEach(async () => {
    const found = open.flatMap((one) => one.visit.faults).filter((fault) => !expected.some((one) => one.test(fault)))
    await Promise.all(open.map((one) => one.context.close()))
    open = []
    expected = []
    expect(found).toEqual([])
  })

  return {
    open: async (path, given = {}) => {
      if (browser === undefined) {
        throw new Error('the browser has not started')
      }
      const one = await newVisit(browser, given)
      open.push(one)
      await one.visit.go(path)
      return one.visit
    },
    /** For tests of errors: answers that are none are no fault of the page, and neither is what else is expected. */
    expectRefusals: (also) => {
      expected = also === undefined ? [REFUSED] : [REFUSED, also]
    },
  }
}

async function launch(): Promise<Browser> {
  const executablePath = process.env.PODTRAIL_CHROMIUM ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    throw new Error(`${executablePath} is not there: install Chromium, or name it in PODTRAIL_CHROMIUM`)
  }
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run']
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', ...quiet] })
}

async function newVisit(browser: Browser, given: Given): Promise<{ context: BrowserContext; visit: Visit }> {
  const { theme = 'light', width = 1280, height = width < 600 ? 844 : 900, address = inject('address'), token } = given
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, baseURL: address, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Berlin' })
  context.setDefaultTimeout(PATIENCE_MS)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const faults: string[] = []
  await context.exposeBinding('reportBreach', (_, text: string) => faults.push(`policy: ${text}`))
  await context.addInitScript((held) => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = (window as unknown as { reportBreach: (text: string) => void }).reportBreach
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)
    })
    if (held !== null && sessionStorage.getItem('podtrail.tested') === null) {
      // Once: a reload must not bring back a token that was given up.
      sessionStorage.setItem('podtrail.tested', 'yes')
      sessionStorage.setItem('podtrail.token', held)
    }
  }, token ?? null)
  const page = await context.newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      faults.push(`console: ${message.text()}`)
    }
  })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${address}/`) && !/^(?:data|blob):/.test(url)) {
      faults.push(`elsewhere: ${url}`)
    }
  })
  const go = async (path: string) => {
    await page.goto(path)
    await settled(page)
  }
  return { context, visit: { page, faults, go } }
}

/** Has the next pages draw what can wait so much later, as where there is much to draw: React does it in messages to itself. */
export async function drawLate(page: Page, milliseconds: number): Promise<void> {
  await page.addInitScript((wait) => {
    const Channel = window.MessageChannel
    window.MessageChannel = function slow() {
      const channel = new Channel()
      const post = channel.port2.postMessage.bind(channel.port2)
      channel.port2.postMessage = (message: unknown) => window.setTimeout(() => post(message), wait)
      return channel
    } as unknown as typeof MessageChannel
  }, milliseconds)
}

/** Waits until the page shows something and nothing of it loads. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const waits = [...document.querySelectorAll('[role="status"]')].some((one) => one.getAttribute('aria-label')?.startsWith('Loading'))
    return document.querySelector('main') !== null && !waits && document.querySelector('[aria-busy="true"]') === null
  })
}

/** What the API answers at a path, as the page gets it. */
export async function api<T>(path: string, { address = inject('address'), token }: { address?: string; token?: string } = {}): Promise<T> {
  const answer = await fetch(address + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  const text = await answer.text()
  if (!answer.ok) {
    throw new Error(`${path}: ${answer.status} ${text}`)
  }
  return JSON.parse(text) as T
}
