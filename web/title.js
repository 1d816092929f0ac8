// SPDX-License-Identifier: Apache-2.0
// The title of the window: what is shown, and before it how much is unread. It shows nothing else.

let shown = '';
let unread = 0;

function draw() {
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${shown ? `${shown} · ` : ''}secgate`;
}

/** Names what the window shows now. */
export function setTitle(text) {
  shown = text;
  draw();
}

/** Puts the number of unread messages before it; 0 takes it away. */
export function setUnread(count) {
  unread = count;
  draw();
}
