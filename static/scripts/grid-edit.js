// Editing in place. An editor is a copy of the column's field in the record form, which the page carries in a template;
// it covers its cell. Values are saved at once and one after another, while the user continues; the server
// answers with the record's row. Refused values come back into the editor at the cell, with the reason.

import * as checklists from "./checklists.js";
import * as drafts from "./grid-drafts.js";
import * as fields from "./fields.js";
import * as grid from "./grid.js";
import * as notes from "./grid-notes.js";
import { htmx } from "./htmx.js";
import { send } from "./requests.js";
import { showToasts, toast } from "./toasts.js";

const MEANWHILE = "Somebody else changed this meanwhile.";
let editor = null;
let opening = null;
let queue = Promise.resolve();
// The edits being saved, by record and column.
const pending = new Map();

const keyOf = (edit) => `${edit.record} ${edit.column}`;
const templateOf = (column) =>
  [...document.querySelectorAll("template[data-editor]")].find((one) => one.dataset.editor === column);
const cellOf = (edit) => grid.cellOf(edit.record, edit.column);
const cellUrl = (edit) => `${location.pathname}records/${edit.record}/${edit.column}/`;
const titleOf = (edit) => templateOf(edit.column)?.dataset.title ?? "";

// Opening and closing ----------------------------------------------------------------------------------------------

/** Open the editor of a cell, with its value or (`typed`) with the key that was pressed instead. */
async function open(cell, { typed = null, atEnd = false } = {}) {
  const edit = { cell, record: grid.recordOf(cell), column: grid.columnOf(cell) };
  const template = templateOf(edit.column);
  if (!template || !edit.record) return;
  // Changes by others count from now on, whatever the row shows when it is saved.
  edit.version = cell.parentElement.dataset.version ?? "";
  edit.after = pending.get(keyOf(edit));
  edit.seen = grid.rawOf(cell);
  opening = edit;
  if (edit.seen === undefined && typed === null) {
    cell.setAttribute("aria-busy", "true");
    const { data, message } = await send(cellUrl(edit));
    cell.removeAttribute("aria-busy");
    if (opening !== edit || document.activeElement !== cell) return; // the user has moved on meanwhile
    if (!data) return void toast(message, true);
    Object.assign(edit, { seen: data.text, version: data.version });
  }
  if (editor) close();
  editor = edit;
  build(edit, template);
  fill(edit, edit.seen ?? null);
  // Fields normalise line breaks: compare later with the text that this field had.
  edit.shown = edit.input.value;
  const draft = drafts.of(edit);
  if (typed !== null) type(edit, typed);
  else if (draft) fill(edit, draft.isNull ? null : draft.text);
  edit.input.focus();
  if (typed && checklists.isOne(edit.input)) checklists.seek(edit.input, typed);
  if (typed === null && edit.input.select) {
    if (atEnd) edit.input.setSelectionRange(edit.input.value.length, edit.input.value.length);
    else edit.input.select();
  }
  edit.input.scrollIntoView({ block: "nearest", inline: "nearest" }); // it may be wider than its cell
  if (draft) complain(edit, draft.message);
}

function build(edit, template) {
  const { cell } = edit;
  const was = document.createElement("span");
  was.className = "cell-was";
  was.append(...cell.childNodes);
  const box = document.createElement("div");
  box.className = "cell-editor";
  edit.isText = "text" in template.dataset;
  edit.input = template.content.firstElementChild.cloneNode(true);
  edit.input.removeAttribute("id");
  edit.input.removeAttribute("name");
  edit.input.setAttribute("aria-label", `${template.dataset.title}, record ${edit.record}`);
  box.append(edit.input);
  cell.append(was, box);
  cell.classList.add("is-editing");
  fields.enhance(box);
  if (edit.input.matches("input[list][hx-get]")) fields.combobox(edit.input);
  if (edit.input.matches(".checklist")) checklists.enhance(edit.input);
  else if (edit.input.matches("select")) {
    if ("required" in template.dataset) edit.input.querySelector("option[value='']")?.remove();
  } else if (edit.isText || !("required" in template.dataset)) addNull(edit, box);
  edit.input.addEventListener("input", () => {
    edit.isNull = edit.input.value === "";
    if (drafts.of(edit)) forget(edit);
    showNull(edit);
  });
  edit.input.addEventListener("tablekeep:chosen", () => commit({ row: 0, column: 0 }));
  box.addEventListener("focusout", (event) => {
    if (editor === edit && document.hasFocus() && !box.contains(event.relatedTarget)) commit(null);
  });
}

/** The button that tells for an empty text cell whether it has no value or an empty text. */
function addNull(edit, box) {
  edit.nullButton = document.createElement("button");
  edit.nullButton.type = "button";
  edit.nullButton.tabIndex = -1;
  edit.nullButton.className = "cell-null";
  edit.nullButton.textContent = "null";
  edit.nullButton.title = "No value (Ctrl+Delete)";
  edit.nullButton.addEventListener("mousedown", (event) => event.preventDefault());
  edit.nullButton.addEventListener("click", () => toggleNull(edit));
  box.append(edit.nullButton);
}

function toggleNull(edit) {
  if (!edit.nullButton) return;
  const isNull = !edit.isNull;
  if (isNull || edit.isText) fill(edit, isNull ? null : "");
  else fill(edit, edit.seen ?? null);
}

function showNull(edit) {
  edit.nullButton?.setAttribute("aria-pressed", String(edit.isNull));
  if (edit.isText && edit.input.value === "") edit.input.placeholder = edit.isNull ? "no value" : "empty text";
}

function fill(edit, text) {
  edit.isNull = text === null;
  if (edit.input.matches("select")) edit.input.value = chosenBy(edit.input, text ?? "");
  else edit.input.value = text ?? "";
  showNull(edit);
}

/** The value of the option that a cell's text means, given by its label or its value. */
function chosenBy(select, text) {
  const meant = (key) => [...select.options].find((option) => option[key] === text);
  return (meant("value") ?? meant("text"))?.value ?? text;
}

function type(edit, typed) {
  if (edit.input.matches("select")) {
    const begins = (option) => option.text.toLowerCase().startsWith(typed.toLowerCase());
    const found = typed ? [...edit.input.options].find(begins) : null;
    fill(edit, found ? found.value : edit.seen);
  } else if (checklists.isOne(edit.input)) {
    fill(edit, typed ? edit.seen : null);
  } else {
    fill(edit, "");
    edit.input.value = typed;
    edit.input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Remove the editor from its cell, which shows its old content again. */
function close() {
  const { cell } = editor;
  editor = null;
  notes.hide();
  if (!cell.classList.contains("is-editing")) return;
  cell.classList.remove("is-editing");
  cell.querySelector(".cell-editor").remove();
  const was = cell.querySelector(".cell-was");
  was.replaceWith(...was.childNodes);
  if (late.has(cell)) dress(cell, late.get(cell));
  late.delete(cell);
}

drafts.watch(() => {
  const { value } = editor?.input ?? {};
  const isTyped = editor !== null && !isUnchanged(editor, value);
  return [...pending.values(), ...(isTyped ? [Object.assign(editor, { text: value })] : [])];
});

// Saving -----------------------------------------------------------------------------------------------------------

/** Save what was typed, if it changed, and move on by `step` (null: leave the focus alone). */
async function commit(step) {
  const edit = editor;
  let text = edit.input.value;
  if (fields.isSearch(edit.input)) {
    text = edit.isNull ? "" : await fields.chosen(edit.input);
    if (editor !== edit) return;
  }
  if (edit.input.matches("select, .checklist")) edit.isNull = text === "";
  const isSame = isUnchanged(edit, text);
  const shown = checklists.wordsOf(edit.input);
  Object.assign(edit, { text, words: edit.isNull ? "null" : shown });
  const here = grid.placeOf(edit.cell);
  close();
  if (!isSame) {
    pend(edit);
    queue = queue.then(() => save(edit));
  }
  if (step) grid.activate(grid.following(here, step));
}

function isUnchanged(edit, text) {
  if (edit.seen === undefined) return false; // typed over a value that the page only has in part
  return edit.isNull ? edit.seen === null : edit.seen !== null && text === edit.shown;
}

/** Show the value being saved, and remember what the cell had. */
function pend(edit) {
  const { cell } = edit;
  edit.was = cell.cloneNode(false);
  edit.was.removeAttribute("tabindex");
  edit.was.classList.remove("is-saving"); // from an earlier edit that is still being saved
  edit.was.append(...cell.childNodes);
  cell.textContent = edit.words;
  delete cell.dataset.value;
  cell.classList.toggle("is-null", edit.isNull);
  cell.classList.add("is-saving");
  pending.set(keyOf(edit), edit);
}

async function save(edit) {
  // If a cell is edited twice in a row, the second edit starts from the result of the first.
  const { seen, version } = edit.after?.left ?? edit;
  const posted = { value: edit.isNull ? "" : edit.text, version };
  if (edit.isNull) posted.null = "1";
  if (seen === null) posted.seen_null = "1";
  else if (seen !== undefined) posted.seen = seen;
  edit.isSent = true;
  const answer = await send(cellUrl(edit), posted);
  if (pending.get(keyOf(edit)) === edit) pending.delete(keyOf(edit));
  const sent = answer.html?.querySelector("tr");
  if (sent) applyRow(sent, edit.column);
  else restore(edit);
  if (answer.status === 200 && sent) {
    edit.left = { seen: grid.rawOf(sent.cells[grid.indexOf(edit.column)] ?? edit.cell), version: sent.dataset.version };
    drafts.drop(edit);
    showToasts(answer.html);
  } else if (sent) disagree(edit, answer.html.querySelector(".conflict"));
  else refuse(edit, answer.message);
}

function restore(edit) {
  const cell = cellOf(edit);
  if (cell === edit.cell) dress(cell, edit.was);
}

// What cells show once their editors are closed.
const late = new WeakMap();

/** Make a cell look like another. */
function dress(cell, made) {
  if (cell.classList.contains("is-editing")) return void late.set(cell, made);
  for (const { name } of [...cell.attributes]) if (name !== "tabindex") cell.removeAttribute(name);
  for (const { name, value } of made.attributes) cell.setAttribute(name, value);
  cell.replaceChildren(...made.childNodes);
  for (const link of cell.querySelectorAll("a")) link.tabIndex = -1;
}

// Reloading leaves an open editor alone; the new content shows once the editor is closed.
htmx.registerExtension("grid-editor", {
  htmx_before_morph_node: (_, { oldNode, newNode }) => {
    if (oldNode !== editor?.cell) return true;
    late.set(oldNode, newNode.cloneNode(true));
    return false;
  },
});

document.addEventListener("tablekeep:grid", () => {
  if (editor && !editor.input.isConnected) commit(null); // its record is no longer on the page
});

/** Show a record as the server sent it, except for cells that are being edited or saved. */
function applyRow(sent, column) {
  const row = document.getElementById(sent.id);
  if (!row) return;
  if (row.cells.length !== sent.cells.length) return void grid.refresh();
  row.dataset.version = sent.dataset.version;
  [...sent.cells].forEach((made, index) => {
    const cell = row.cells[index];
    const isBusy = cell.classList.contains("is-saving") && grid.columnOf(cell) !== column;
    if (index > 0 && !isBusy) dress(cell, made);
  });
  drafts.mark(); // those of its other cells
}

// What was not accepted ----------------------------------------------------------------------------------------------

function refuse(edit, message) {
  drafts.keep(edit, message);
  const cell = cellOf(edit);
  if (cell) notes.blame(cell, message);
  const isFree = !editor && (document.activeElement === document.body || grid.table().contains(document.activeElement));
  if (!cell || !isFree) return void toast(`${titleOf(edit)}, record ${edit.record}: ${message}`, true);
  grid.activate(grid.placeOf(cell));
  open(cell);
}

function forget(edit) {
  drafts.drop(edit);
  notes.forgive(edit.cell);
  edit.input?.removeAttribute("aria-invalid");
}

function complain(edit, message) {
  if (!checklists.isOne(edit.input)) edit.input.setAttribute("aria-invalid", "true"); // no word for groups
  edit.input.setAttribute("aria-describedby", "cell-note");
  notes.show(edit.cell, message);
}

/** Show both values at the cell; the row already shows theirs. */
function disagree(edit, panel) {
  const cell = cellOf(edit);
  drafts.keep(edit, MEANWHILE);
  if (!cell) return void toast(`${titleOf(edit)}, record ${edit.record}: ${MEANWHILE}`, true);
  notes.blame(cell, MEANWHILE);
  notes.hide();
  document.querySelector(".conflict")?.remove();
  panel.setAttribute("role", "alertdialog");
  panel.setAttribute("aria-label", `${titleOf(edit)}, record ${edit.record}: changed meanwhile`);
  panel.popover = "manual";
  document.querySelector(".sheet-grid").append(panel);
  panel.showPopover();
  notes.float(panel, cell);
  if (!editor) panel.querySelector("button").focus();
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
  });
  panel.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-resolve]")?.dataset.resolve;
    if (chosen === "theirs") forget(Object.assign(edit, { cell: cellOf(edit), input: null }));
    if (chosen === "mine") {
      const now = cellOf(edit);
      const { version } = now.parentElement.dataset;
      Object.assign(edit, { cell: now, version, seen: grid.rawOf(now), after: null });
      pend(edit);
      queue = queue.then(() => save(edit));
    }
    if (chosen) leave();
  });
  function leave() {
    panel.remove();
    const now = cellOf(edit);
    if (now && !editor) grid.activate(grid.placeOf(now));
  }
}

// Keys and pointer ---------------------------------------------------------------------------------------------------

// A click on a reference opens its record, a double click edits: so wait whether there is a second click.
const SECOND_CLICK = 250; // milliseconds
let leaving;
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#grid td.cell-reference > a");
  clearTimeout(leaving);
  if (!link || !grid.mayEdit() || !event.detail || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (event.detail === 1) leaving = setTimeout(() => location.assign(link.href), SECOND_CLICK);
});

document.addEventListener("dblclick", (event) => {
  const cell = event.target.closest?.("#grid table.records tbody td");
  if (cell && !event.target.closest(".cell-id a, input, .cell-editor")) open(cell);
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented && !editor) return;
  if (editor?.input.contains(event.target)) return inEditor(event);
  const cell = grid.cellAimedAt(event);
  if (cell?.tagName !== "TD" || event.altKey || !grid.mayEdit()) return;
  const isPlain = !event.ctrlKey && !event.metaKey;
  const isEdit = (event.key === "Enter" || event.key === "F2") && cell.cellIndex > 0;
  if (isEdit && isPlain) open(cell, { atEnd: event.key === "F2" });
  else if (event.key === "Backspace" && isPlain) open(cell, { typed: "" });
  else if (event.key.length === 1 && event.key !== " " && isPlain) open(cell, { typed: event.key });
  else return;
  event.preventDefault();
});

function inEditor(event) {
  const isLong = event.target.rows > 1 && !event.ctrlKey && !event.metaKey; // lines are what it is for
  const isLine = event.target.matches("textarea") && (event.shiftKey || event.altKey || isLong);
  if (event.key === "Enter" && !isLine) commit({ row: 1, column: 0 });
  else if (event.key === "Enter" && event.altKey) {
    event.target.setRangeText("\n", event.target.selectionStart, event.target.selectionEnd, "end");
    event.target.dispatchEvent(new Event("input", { bubbles: true }));
  }
  else if (event.key === "Tab") commit({ row: 0, column: event.shiftKey ? -1 : 1 });
  else if (event.key === "Escape") {
    const edit = editor;
    const here = grid.placeOf(edit.cell);
    forget(edit);
    close();
    grid.activate(here);
  } else if (event.key === "Delete" && event.ctrlKey) toggleNull(editor);
  else return;
  event.preventDefault();
}

// A cell's error is shown whenever it gets the focus.
document.addEventListener("focusin", (event) => {
  if (editor) return;
  const cell = event.target.closest?.("#grid td.is-invalid");
  if (cell) notes.show(cell, cell.dataset.error);
  else notes.hide();
});
