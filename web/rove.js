// SPDX-License-Identifier: Apache-2.0
// One stop for Tab in a long list of lines to open (`summary`): up and down go from line to line, Home
// and End to the first and the last.

/**
 * @param {HTMLElement} list in which the lines are
 * @returns {() => void} to be called whenever lines have come or gone
 */
export function rove(list) {
  const lines = () => Array.from(list.querySelectorAll('summary'));
  let here = null; // the line that has the focus, or had it last

  const settle = () => {
    const all = lines();
    const stop = all.includes(here) ? here : all[0];
    for (const line of all) {
      line.tabIndex = line === stop ? 0 : -1;
      line.setAttribute('aria-keyshortcuts', 'ArrowUp ArrowDown Home End');
    }
  };
  list.addEventListener('focusin', ({ target }) => {
    if (target.localName !== 'summary') return;
    here = target;
    settle();
  });
  list.addEventListener('keydown', (event) => {
    if (event.target.localName !== 'summary' || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = lines();
    const at = all.indexOf(event.target);
    const next = { ArrowUp: all[at - 1], ArrowDown: all[at + 1], Home: all[0], End: all.at(-1) }[event.key];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return settle;
}
