// SPDX-License-Identifier: Apache-2.0
// What the list of sessions calls this browser, for example "Chrome on Linux".

const BROWSERS = [
  ['Edg/', 'Edge'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
];
const SYSTEMS = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS', 'macOS'],
  ['Linux', 'Linux'],
];

export function deviceName(agent = navigator.userAgent) {
  const pick = (names) => names.find(([mark]) => agent.includes(mark))?.[1];
  const system = pick(SYSTEMS);
  const browser = pick(BROWSERS) ?? 'Browser';
  return system ? `${browser} on ${system}` : browser;
}
