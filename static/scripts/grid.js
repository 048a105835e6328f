// The record grid by keyboard and pointer, after the ARIA grid pattern: one cell is in the tab order, arrows move it,
// Shift extends a range of cells. Without this script the grid is a plain table of links.
//
// A place is {row, column}, by index; row -1 is the heads.

import { htmx } from "./htmx.js";

// The focus by record and column, which survive a new order, another page, a hidden column.
const kept = { record: null, column: null, row: 0 };
let current = null;
let anchor = null;
let hadFocus = false;

export const table = () => document.querySelector("#grid table.records");
export const rows = () => table()?.tBodies[0]?.rows ?? [];
export const heads = () => table()?.tHead?.rows[0]?.cells ?? [];
/** The head of a group is one cell, at every column of its row. */
const isGroup = (row) => row?.classList.contains("group") ?? false;
const cellIn = (row, column) => (isGroup(row) ? row.cells[0] : row?.cells[column]);
export const cellAt = ({ row, column }) => (row < 0 ? heads()[column] : cellIn(rows()[row], column));
export const recordOf = (cell) => cell?.closest("tr[id^=r]")?.id.slice(1) ?? null;
export const indexOf = (column) => [...heads()].findIndex((head) => head.dataset.column === column);
export const cellOf = (record, column) => document.getElementById(`r${record}`)?.cells[indexOf(column)];
export const columnOf = (cell) => heads()[cell?.cellIndex]?.dataset.column ?? null;
export const mayEdit = () => document.querySelector("template[data-editor]") !== null;

/** The place that is in the tab order, if there is a grid. */
export const active = () => current;

/** The element of a cell that gets the focus: a head's link, else the cell itself. */
const targetOf = (cell) => (cell?.tagName === "TH" ? cell.querySelector("a, .head") : cell);

export function placeOf(cell) {
  const column = isGroup(cell.parentElement) ? current?.column ?? 0 : cell.cellIndex;
  return { row: cell.tagName === "TH" ? -1 : cell.parentElement.sectionRowIndex, column };
}

/** The cell in which a key was pressed, unless that was in a control. */
export function cellAimedAt(event) {
  const cell = event.target.closest?.("#grid table.records :is(tbody td, thead th)");
  return cell && targetOf(cell) === event.target ? cell : null;
}

/** Move to a place. `extend` keeps the other end of the range where it is. */
export function activate(place, { focus = true, extend = false } = {}) {
  const cell = cellAt(place);
  if (!cell || (extend && anchor && crossesGroup(anchor.row, place.row))) return;
  const [before, target] = [targetOf(current && cellAt(current)), targetOf(cell)];
  target?.setAttribute("tabindex", "0");
  // Never take it from the element with the focus, which would lose it.
  if (before && before !== target) before.tabIndex = -1;
  current = place;
  if (!extend || place.row < 0) anchor = place;
  const column = heads()[place.column]?.dataset.column ?? null;
  Object.assign(kept, { record: recordOf(cell), column, row: place.row });
  if (focus) target?.focus();
  paint();
}

/** Whether there is the head of a group from one row to another: cells of several groups are no range. */
function crossesGroup(...ends) {
  const [top, bottom] = ends.toSorted((a, b) => a - b);
  return [...rows()].slice(Math.max(top, 0), bottom + 1).some(isGroup);
}

/** The cells between anchor and focus as {top, bottom, left, right}; null if that is a single cell. */
export function range() {
  if (!current || !anchor || current.row < 0 || anchor.row < 0) return null;
  if (current.row === anchor.row && current.column === anchor.column) return null;
  const [top, bottom] = [current.row, anchor.row].toSorted((a, b) => a - b);
  const [left, right] = [current.column, anchor.column].toSorted((a, b) => a - b);
  return { top, bottom, left, right };
}

function paint() {
  for (const cell of document.querySelectorAll("#grid td.in-range")) {
    cell.classList.remove("in-range");
    cell.removeAttribute("aria-selected");
  }
  const found = range();
  if (!found) return;
  for (let row = found.top; row <= found.bottom; row += 1) {
    for (let column = found.left; column <= found.right; column += 1) {
      const cell = cellAt({ row, column });
      cell?.classList.add("in-range");
      cell?.setAttribute("aria-selected", "true");
    }
  }
  const [high, wide] = [found.bottom - found.top + 1, found.right - found.left + 1];
  say(`${high * wide} cells selected, ${high} by ${wide}`);
}

let said;
/** Announce it to screen readers. */
export function say(text) {
  clearTimeout(said);
  // Not every step of a long move, only where it ends.
  said = setTimeout(() => {
    const line = document.getElementById("grid-said");
    if (line) line.textContent = text;
  }, 150);
}

/** The value of a cell as text, null for none, undefined if the page only has a part of it. */
export function rawOf(cell) {
  if (cell.classList.contains("is-null")) return null;
  if (cell.dataset.value !== undefined) return cell.dataset.value;
  if ("clipped" in cell.dataset) return cell.title.length < 4000 ? cell.title : undefined;
  return (cell.querySelector(":scope > .cell-was") ?? cell).textContent;
}

/** Where a step leads: to the next cell, and at the end of a row to the next row. */
export function following({ row, column }, step) {
  const last = { row: rows().length - 1, column: heads().length - 1 };
  let to = { row: row + step.row, column: column + step.column };
  if (to.column > last.column) to = { row: row + 1, column: 1 };
  if (to.column < 1) to = { row: row - 1, column: last.column };
  return to.row < 0 || to.row > last.row ? { row, column } : to;
}

/** Reload the grid from this address. */
export function refresh() {
  const address = location.pathname + location.search;
  return htmx.ajax("GET", address, { source: "#grid", target: "#grid", swap: "outerMorph" });
}

// Keys -------------------------------------------------------------------------------------------------------------

function pageLength() {
  const box = table().closest(".grid-scroll");
  const height = rows()[0]?.offsetHeight || 1;
  return Math.max(1, Math.floor((box.clientHeight - table().tHead.offsetHeight) / height) - 1);
}

function destination(event, { row, column }) {
  if (row < 0 && event.shiftKey) return null; // in a head Shift concerns the column (grid-widths.js)
  const far = event.ctrlKey || event.metaKey;
  const [bottom, right] = [rows().length - 1, heads().length - 1];
  const top = event.shiftKey ? 0 : -1;
  switch (event.key) {
    case "ArrowUp": return { row: far ? 0 : Math.max(row - 1, top), column };
    case "ArrowDown": return { row: far ? bottom : Math.min(row + 1, bottom), column };
    case "ArrowLeft": return { row, column: far ? 0 : Math.max(column - 1, 0) };
    case "ArrowRight": return { row, column: far ? right : Math.min(column + 1, right) };
    case "Home": return { row: far ? Math.min(0, bottom) : row, column: 0 };
    case "End": return { row: far ? bottom : row, column: right };
    case "PageUp": return { row: row < 0 ? row : Math.max(row - pageLength(), 0), column };
    case "PageDown": return { row: Math.min(row + pageLength(), bottom), column };
    default: return null;
  }
}

/** Whether Enter follows a cell's link: for ids, and for references with Ctrl or if nothing can be edited. */
function leads(cell, event) {
  const isWay = cell.cellIndex === 0 || event.ctrlKey || event.metaKey || !mayEdit();
  return isWay && cell === event.target && cell.tagName === "TD" && cell.querySelector("a") !== null;
}

document.addEventListener("keydown", (event) => {
  const cell = cellAimedAt(event) ?? controlledCell(event);
  if (!cell) return;
  const page = event.altKey && { PageUp: "prev", PageDown: "next" }[event.key];
  if (page) {
    event.preventDefault();
    document.querySelector(`#grid .pages a[rel=${page}]`)?.click();
  }
  if (event.altKey) return;
  const to = destination(event, placeOf(cell));
  if (to) {
    event.preventDefault();
    activate(to, { extend: event.shiftKey });
  } else if (event.key === "Enter" && leads(cell, event)) {
    event.preventDefault();
    cell.querySelector("a").click();
  } else if (event.key === "Escape" && range()) {
    activate(placeOf(cell));
  }
});

/** A click may leave the focus on a check box or link in a cell; arrows continue from there. */
function controlledCell(event) {
  if (event.shiftKey || !event.target.matches?.("#grid tbody td > :is(a, input.pick)")) return null;
  return event.key.startsWith("Arrow") ? event.target.closest("td") : null;
}

// Pointer ----------------------------------------------------------------------------------------------------------

let dragging = false;
document.addEventListener("mousedown", (event) => {
  const cell = event.target.closest?.("#grid table.records tbody td");
  if (!cell || event.button !== 0 || event.target.closest("a, input, .cell-editor, .cell-note")) return;
  event.preventDefault(); // select a range of cells, not text
  dragging = true;
  activate(placeOf(cell), { extend: event.shiftKey });
});
document.addEventListener("mouseover", (event) => {
  if (!dragging) return;
  const cell = event.target.closest?.("#grid table.records tbody td");
  if (!(event.buttons & 1)) dragging = false;
  else if (cell) activate(placeOf(cell), { extend: true });
});
document.addEventListener("mouseup", () => { dragging = false; });
document.addEventListener("focusin", (event) => {
  const head = event.target.closest?.("#grid table.records thead th");
  if (head && targetOf(head) === event.target && cellAt(current ?? {}) !== head) {
    activate(placeOf(head), { focus: false });
  }
});

// Swaps ------------------------------------------------------------------------------------------------------------

/** Make the table a grid, and restore the active cell. */
function prepare() {
  const grid = table();
  if (!grid) return;
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-multiselectable", "true");
  if (!mayEdit()) grid.setAttribute("aria-readonly", "true");
  const box = grid.closest(".grid-scroll");
  box.removeAttribute("tabindex"); // the cell in the tab order scrolls it into view
  for (const control of grid.querySelectorAll("tbody :is(a, input)")) control.tabIndex = -1;
  number(grid);
  // Measured after all of that has been set, and at once: the browser lays out every cell for it.
  const [high, wide] = [grid.tHead.offsetHeight, heads()[0]?.offsetWidth ?? 0];
  // With records as cards, the heads are a separate strip that scrolls sideways and can get the focus for that.
  const isStrip = getComputedStyle(grid.tHead.rows[0]).overflowX !== "visible";
  box.style.scrollPaddingTop = `${high}px`;
  box.style.scrollPaddingLeft = `${wide}px`;
  const controls = grid.querySelectorAll("thead :is(th > :is(a, .head, input), .head-more)");
  for (const control of controls) control.tabIndex = isStrip ? 0 : -1;
  const column = indexOf(kept.column);
  const found = kept.record === null ? null : document.getElementById(`r${kept.record}`);
  const row = found ? found.sectionRowIndex : Math.min(kept.row, rows().length - 1);
  const place = { row, column: column < 0 ? Math.min(1, heads().length - 1) : column };
  activate(place, { focus: hadFocus && !grid.contains(document.activeElement) });
  for (const cell of grid.querySelectorAll("tbody td[tabindex]")) {
    if (cell !== cellAt(current)) cell.removeAttribute("tabindex");
  }
}

/** Set which rows of how many these are, if the page does not have all. */
function number(grid) {
  if (grid.dataset.before === undefined) return;
  const above = grid.tHead.rows.length;
  grid.setAttribute("aria-rowcount", grid.dataset.count ? Number(grid.dataset.count) + above : -1);
  [...grid.rows].forEach((row, index) => {
    row.setAttribute("aria-rowindex", index < above ? index + 1 : Number(grid.dataset.before) + index + 1);
  });
}

// Adding a filter closes the menu, and removing one removes its button: move the focus on in both cases.
let wasFiltering = false;
document.addEventListener("htmx:before:swap", () => {
  const focused = document.activeElement;
  hadFocus = table()?.contains(focused) ?? false;
  wasFiltering = Boolean(focused?.closest("#grid :is(.chips, .filter-menu)"));
});

function goOn() {
  const isLost = document.activeElement === document.body || !document.activeElement.checkVisibility();
  if (wasFiltering && isLost) document.querySelector("#grid .filter-menu > summary").focus();
  wasFiltering = false;
}

document.addEventListener("htmx:after:swap", (event) => {
  // Messages, charts and counts do not change the focus or the range.
  const target = event.detail?.ctx?.target;
  if (target?.isConnected && !target.contains(table())) return;
  prepare();
  goOn();
  hadFocus = false;
  document.dispatchEvent(new CustomEvent("tablekeep:grid"));
});
document.addEventListener("DOMContentLoaded", prepare);
