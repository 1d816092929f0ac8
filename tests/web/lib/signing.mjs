// SPDX-License-Identifier: Apache-2.0
// What the tests of the signing views do on the page.
import { readFileSync } from 'node:fs';

export async function openView(page, gw, name, heading = name[0].toUpperCase() + name.slice(1)) {
  await page.goto(`${gw.origin}/#/${name}`);
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
}

// Makes a key on the page, as an admin does.
export async function makeKey(page, gw, name, type = 'ed25519') {
  await openView(page, gw, 'keys');
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Type').selectOption(type);
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await keyPanel(page, name).waitFor();
}

export const keyPanel = (page, name) => page.locator(`section[data-key="${name}"]`);

// Checks these formats and no others.
export async function chooseFormats(page, formats) {
  await page.locator('.checks input').first().waitFor();
  for (const box of await page.locator('.checks input:enabled').all()) {
    await box.setChecked(formats.includes(await box.getAttribute('value')));
  }
}

// Adds a stored file or folder to what is to be signed.
export async function addStored(page, path) {
  await page.getByLabel('Stored file or folder').fill(path);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
}

// Signs what is chosen, and waits for the result.
export async function signAll(page, items, files = items) {
  await page
    .getByRole('button', { name: `Sign ${items} item${items === 1 ? '' : 's'}`, exact: true })
    .click();
  await page.getByRole('heading', { name: `${files} file${files === 1 ? '' : 's'} signed` }).waitFor();
}

// The bytes of a signature file that the page offers.
export async function take(page, name) {
  const wanted = page.waitForEvent('download');
  await page.getByRole('button', { name: `Download ${name}`, exact: true }).click();
  const download = await wanted;
  return readFileSync(await download.path());
}

// What the page says of a file: {state, word, checks: [[state, text]]}.
export async function verdictOf(page, name) {
  const panel = page.locator(`.verdict[data-name="${name}"]:not([aria-busy])`);
  await panel.waitFor();
  return panel.evaluate((node) => ({
    state: node.dataset.state,
    word: node.querySelector('.word')?.textContent,
    checks: Array.from(node.querySelectorAll('.checklist li'), (line) => [
      line.dataset.state,
      line.lastElementChild.lastChild.textContent
    ])
  }));
}
