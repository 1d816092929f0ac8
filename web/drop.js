// SPDX-License-Identifier: Apache-2.0
// Takes files and folders that are dropped on the page. It never sends anything itself.

export const FILES_MAX = 10_000; // files taken from one drop

/* Whether what is being dragged holds files. */
function holdsFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/**
 * Takes files that are dropped anywhere on the page, and lets `panel` show that it would.
 * @param {object} options `allowed()`, `take(files)` (async), `failed(error)`, `signal` (ends it)
 */
export function acceptDrops(panel, { allowed, take, failed, signal }) {
  let depth = 0; // dragenter and dragleave come for every element under the pointer
  const over = (inside) => {
    depth = Math.max(0, depth + inside);
    panel.classList.toggle('over', depth > 0 && allowed());
  };
  const on = (type, listener) =>
    document.addEventListener(type, (event) => holdsFiles(event) && listener(event), { signal });
  on('dragenter', () => over(1));
  on('dragleave', () => over(-1));
  on('dragover', (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = allowed() ? 'copy' : 'none';
  });
  on('drop', async (event) => {
    event.preventDefault();
    over(-depth);
    if (!allowed()) return;
    try {
      await take(await droppedFiles(event.dataTransfer));
    } catch (error) {
      failed(error);
    }
  });
}

/**
 * Lists what was dropped, folders with everything below them.
 * @param {DataTransfer} transfer only readable during the event, so this reads it before it waits
 * @returns {Promise<Array<{file: File, path: string}>>} at most FILES_MAX
 */
async function droppedFiles(transfer) {
  const found = [];
  const open = [];
  for (const item of Array.from(transfer.items)) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.();
    const file = item.getAsFile();
    if (entry?.isDirectory) open.push(entry);
    else if (file) found.push({ file, path: file.name });
  }
  while (open.length && found.length < FILES_MAX) {
    const entry = open.shift();
    if (entry.isDirectory) open.push(...(await children(entry)));
    else found.push({ file: await fileOf(entry), path: entry.fullPath.replace(/^\//, '') });
  }
  return found.slice(0, FILES_MAX);
}

async function children(directory) {
  const reader = directory.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all; // the reader gives them out in portions
    all.push(...some);
  }
}

function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
