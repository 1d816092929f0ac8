// SPDX-License-Identifier: Apache-2.0
// Drives Chromium against a gateway whose CA it really trusts, and notes everything that the page
// should never cause: console errors, uncaught exceptions, violations of the content policy.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { temporaryDirectory } from '../../e2e/lib/gateway.mjs';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const LIMIT_MS = 20000;
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];

// A home whose certificate store holds the CA, so that no certificate error has to be ignored, and a
// client certificate ({cert, key}) if there is one.
function trustingHome(gateway, own = null) {
  const home = temporaryDirectory('secgate-web-');
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  const ca = join(gateway.data, 'ca.pem');
  execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'secgate', '-t', 'C,,', '-i', ca]);
  if (own) {
    const [pem, packed] = [join(home, 'own.pem'), join(home, 'own.p12')];
    writeFileSync(pem, own.key + own.cert, { mode: 0o600 });
    execFileSync('openssl', ['pkcs12', '-export', '-in', pem, '-out', packed, '-passout', 'pass:']);
    execFileSync('pk12util', ['-i', packed, '-d', `sql:${store}`, '-W', '', '-K', ''], { stdio: 'pipe' });
  }
  return home;
}

// A profile in which any certificate that the gateway asks for is shown to it, and nobody is asked which: what the
// policy AutoSelectCertificateForUrls sets, without a change to the machine. Windows of their own do not have it.
function showingProfile(gateway, home) {
  const profile = join(home, 'profile');
  const chosen = { [`${gateway.origin},*`]: { setting: { filters: [{}] } } };
  mkdirSync(join(profile, 'Default'), { recursive: true });
  writeFileSync(
    join(profile, 'Default', 'Preferences'),
    JSON.stringify({ profile: { content_settings: { exceptions: { auto_select_certificate: chosen } } } })
  );
  return profile;
}

const launchOptions = (home) => ({
  executablePath: PROGRAM,
  args: ['--no-sandbox', '--disable-gpu', ...QUIET],
  env: { ...process.env, HOME: home }
});
const SIZE = { viewport: { width: 1100, height: 800 } };

export class Browser {
  static async start(gateway) {
    const browser = new Browser();
    browser.origin = gateway.origin;
    browser.engine = await chromium.launch(launchOptions(trustingHome(gateway)));
    return browser;
  }

  // A window of its own: nothing is shared with other contexts.
  async context(options = {}) {
    return prepare(await this.engine.newContext({ ...SIZE, ...options }));
  }

  async page(options = {}) {
    const context = await this.context(options);
    return context.newPage();
  }

  async stop() {
    await this.engine.close();
  }
}

// A browser of its own that shows a client certificate ({cert, key}). A context: whoever made it closes it.
export async function showing(gateway, own) {
  const home = trustingHome(gateway, own);
  const profile = showingProfile(gateway, home);
  return prepare(await chromium.launchPersistentContext(profile, { ...launchOptions(home), ...SIZE }));
}

async function prepare(context) {
  context.setDefaultTimeout(LIMIT_MS);
  context.complaints = [];
  context.on('page', (page) => watch(page, context.complaints));
  await context.exposeBinding('complain', (source, text) => context.complaints.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.complain(
        `content policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}`
      );
    });
  });
  return context;
}

function watch(page, complaints) {
  page.on('filechooser', () => {}); // from now on choosers come to the tests, never to the screen
  page.on('pageerror', (error) => complaints.push(`exception: ${error.stack}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
}

// Fails when the page caused anything that it should not; `except` names what a test provoked.
export function assertQuiet(page, except = null) {
  const complaints = page.context().complaints.filter((text) => !except?.test(text));
  assert.deepEqual(complaints, []);
}

export async function signUp(page, gateway, { name = 'ann', password = 'correct horse battery' } = {}) {
  await page.goto(`${gateway.origin}/`);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Code').fill(gateway.setupCode());
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'common' }).waitFor();
}

export async function signIn(page, gateway, { name = 'ann', password = 'correct horse battery' } = {}) {
  await page.goto(`${gateway.origin}/#/signin`);
  await fillSignIn(page, { name, password });
}

export async function fillSignIn(page, { name = 'ann', password = 'correct horse battery' } = {}) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'common' }).waitFor();
}

// The table row of an entry.
export function row(page, name) {
  return page.locator(`tr[data-name="${name}"]`);
}

// Drops files ({name, bytes}) on the page, as a pointer would.
export async function drop(page, files) {
  const plain = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
  const dataTransfer = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of list) {
      const octets = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([octets], name));
    }
    return transfer;
  }, plain);
  for (const event of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('[data-drop]', event, { dataTransfer });
  }
}

// Drops files and folders of the disk on the page, the way the desktop does.
export async function dropPaths(page, paths) {
  const devtools = await page.context().newCDPSession(page);
  const box = await page.locator('[data-drop]').boundingBox();
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data });
  }
  await devtools.detach();
}
