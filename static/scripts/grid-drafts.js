// What was typed into cells and is not saved: refused, not sent yet, or interrupted by the end of the session. Its cell
// is marked whenever it is shown, and the text is still there when the user comes back to the page.

import * as grid from "./grid.js";
import * as notes from "./grid-notes.js";
import { toast } from "./toasts.js";

const LEFT = "This was not saved before you left the page.";
const LOGGED_OUT = "This was not saved: you were logged out.";
const ONE_LEFT = "What you typed into a cell is not saved yet. The cell is marked.";
const drafts = new Map();
let isLoggedOut = false;
let told = null;
// Unfinished edits, according to the editor.
let underWay = () => [];

const keyOf = ({ record, column }) => `${record} ${column}`;
const shelf = () => `drafts ${document.body.dataset.user} ${location.pathname}`;

/** The draft of an edit's cell, if there is one. */
export function of(edit) {
  return drafts.get(keyOf(edit));
}

/** `edits` returns the unfinished edits. */
export function watch(edits) {
  underWay = edits;
}

export function keep({ record, column, text, isNull }, message) {
  drafts.set(keyOf({ record, column }), { record, column, text, isNull, message });
}

export function drop(edit) {
  drafts.delete(keyOf(edit));
  if (!drafts.size) told?.remove();
}

export function mark() {
  for (const draft of drafts.values()) {
    const cell = grid.cellOf(draft.record, draft.column);
    if (cell && !cell.matches(".is-editing, .is-saving")) notes.blame(cell, draft.message);
  }
}

window.addEventListener("pagehide", () => {
  for (const edit of underWay()) {
    // What was sent still arrives (`send`), unless the user was logged out.
    if (isLoggedOut || !edit.isSent) keep(edit, isLoggedOut ? LOGGED_OUT : LEFT);
  }
  if (drafts.size) sessionStorage.setItem(shelf(), JSON.stringify([...drafts.values()]));
});

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(shelf()) ?? "[]");
  sessionStorage.removeItem(shelf());
  for (const draft of kept) keep(draft, draft.message);
  if (!kept.length) return;
  mark();
  const many = `What you typed into ${kept.length} cells is not saved yet. The cells are marked.`;
  told = toast(kept.length === 1 ? ONE_LEFT : many, true);
}

document.addEventListener("tablekeep:logged-out", () => { isLoggedOut = true; });
document.addEventListener("tablekeep:grid", mark);
document.addEventListener("DOMContentLoaded", restore);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) sessionStorage.removeItem(shelf()); // the page itself has come back with its state
});
