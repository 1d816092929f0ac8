// SPDX-License-Identifier: Apache-2.0
// Holds an answer back until a test wants it.

// { opened: Promise, open() }
export function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}
