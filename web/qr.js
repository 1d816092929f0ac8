// SPDX-License-Identifier: Apache-2.0
// Draws a QR symbol from its rows of modules ("0101..."; 1 is dark) as SVG.

const SVG = 'http://www.w3.org/2000/svg';
const QUIET = 4; // modules of white around it (ISO/IEC 18004)

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Runs of dark modules of a row as pieces of a path. */
function runs(row, y) {
  return [...row.matchAll(/1+/g)]
    .map(({ index, 0: run }) => `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`)
    .join('');
}

/** @param {string[]} rows @param {string} label what it says, for those who cannot see it */
export function qrCode(rows, label) {
  const side = rows.length + 2 * QUIET;
  const svg = node('svg', {
    viewBox: `0 0 ${side} ${side}`,
    class: 'qr',
    role: 'img',
    'aria-label': label,
    'shape-rendering': 'crispEdges',
  });
  svg.append(
    node('rect', { width: side, height: side, fill: '#fff' }), // light on dark is not read by all
    node('path', { d: rows.map(runs).join(''), fill: '#000' }),
  );
  return svg;
}
