// Copying cells as tab-separated text, as spreadsheets read and write it, and pasting such text over cells as one
// change. A cell without a value is nothing between two tabs; an empty text is "".

import * as grid from "./grid.js";
import * as notes from "./grid-notes.js";
import { chosenRows } from "./grid-select.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

/** Whether copy and paste concern the grid: it has the focus, but not in an editor. */
function isMine() {
  const active = document.activeElement;
  return Boolean(active?.closest("#grid table.records")) && !active.closest(".cell-editor");
}

/** The cells to act on, in rows: the range, else the chosen records, else the cell with the focus. */
function meant() {
  const range = grid.range();
  const rows = [...grid.rows()];
  if (range) {
    const { top, bottom, left, right } = range;
    return rows.slice(top, bottom + 1).map((row) => [...row.cells].slice(left, right + 1));
  }
  const chosen = chosenRows();
  if (chosen.length) return chosen.map((row) => [...row.cells].slice(1));
  const active = grid.active();
  const cell = active && active.row >= 0 ? grid.cellAt(active) : null;
  return cell && grid.recordOf(cell) !== null ? [[cell]] : [];
}

// Copying ----------------------------------------------------------------------------------------------------------

function textOf(cell) {
  return cell.cellIndex === 0 ? grid.recordOf(cell) : grid.rawOf(cell);
}

function written(text) {
  if (text === null) return "";
  return text === "" || /[\t\n\r]|^"/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tsv(texts) {
  const text = texts.map((row) => row.map(written).join("\t")).join("\n");
  // A last empty line is a cell without a value; readers remove one line break at the end.
  return text.endsWith("\n") ? `${text}\n` : text;
}

/** The texts, including those that the page only has in part. */
async function whole(cells, texts) {
  return Promise.all(cells.map((row, y) => Promise.all(row.map(async (cell, x) => {
    if (texts[y][x] !== undefined) return texts[y][x];
    const { data } = await send(`${location.pathname}records/${grid.recordOf(cell)}/${grid.columnOf(cell)}/`);
    if (!data) throw new Error("a cell could not be read");
    return data.text;
  }))));
}

function copy(event) {
  const cells = meant();
  if (!cells.length) return false;
  event.preventDefault();
  const texts = cells.map((row) => row.map(textOf));
  const count = cells.length * cells[0].length;
  const said = `${count} ${count === 1 ? "cell" : "cells"} copied`;
  if (!texts.flat().includes(undefined)) {
    event.clipboardData.setData("text/plain", tsv(texts));
    grid.say(said);
  } else if (navigator.clipboard && globalThis.ClipboardItem) {
    const text = whole(cells, texts).then((all) => new Blob([tsv(all)], { type: "text/plain" }));
    navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]).then(
      () => grid.say(said),
      () => toast("The cells could not be copied. Try again.", true),
    );
  } else toast("Texts this long can only be copied over a secure connection (https).", true);
  return true;
}

document.addEventListener("copy", (event) => {
  if (isMine()) copy(event);
});
document.addEventListener("cut", (event) => {
  if (isMine() && grid.mayEdit() && copy(event)) clear();
});

// Pasting ----------------------------------------------------------------------------------------------------------

/** Tab-separated text as rows of texts, null for empty cells. Quoted cells may contain tabs and line breaks. */
function read(text) {
  const rows = [[]];
  const cell = /"((?:[^"]|"")*)"(?=[\t\n]|$)|([^\t\n]*)/y;
  const clean = text.replaceAll("\r\n", "\n").replace(/\n$/, "");
  for (let at = 0; at <= clean.length; at += 1) {
    cell.lastIndex = at;
    const [all, quoted, plain] = cell.exec(clean);
    rows.at(-1).push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    at += all.length;
    if (clean[at] === "\n") rows.push([]);
  }
  return rows;
}

/** Where a block goes: starting at the focus or the range's corner; a single text fills the whole range. */
function placed(block) {
  const range = grid.range();
  const start = range ? { row: range.top, column: range.left } : grid.active();
  if (range && block.length === 1 && block[0].length === 1) {
    const [high, wide] = [range.bottom - range.top + 1, range.right - range.left + 1];
    block = Array.from({ length: high }, () => Array(wide).fill(block[0][0]));
  }
  const size = { high: block.length, wide: Math.max(...block.map((row) => row.length)) };
  const room = { high: grid.rows().length - start.row, wide: grid.heads().length - start.column };
  if (start.column === 0) return { problem: "Ids cannot be changed. Paste further to the right." };
  if (size.high > room.high || size.wide > room.wide) {
    const problem = `These are ${size.high} by ${size.wide} cells; from here there are ${room.high} by ${room.wide}.`;
    return { problem };
  }
  const below = [...grid.rows()].slice(start.row, start.row + size.high);
  if (below.some((row) => !row.id.startsWith("r"))) return { problem: "These cells would go beyond their group." };
  const cellFrom = (y, x) => grid.cellAt({ row: start.row + y, column: start.column + x });
  return { start, size, cells: block.map((row, y) => row.map((text, x) => [cellFrom(y, x), text])) };
}

const isNew = ([cell, text]) => grid.rawOf(cell) !== text;

/** Write texts into cells as one change. `cells` are rows of [cell, text]. */
async function write(cells, what) {
  const changed = cells.map((row) => row.filter(isNew)).filter((row) => row.length);
  if (!changed.length) return void grid.say("Nothing to change");
  const block = changed.map((row) => ({
    id: Number(grid.recordOf(row[0][0])),
    version: row[0][0].parentElement.dataset.version,
    cells: Object.fromEntries(row.map(([cell, text]) => [grid.columnOf(cell), text])),
  }));
  for (const [cell] of changed.flat()) {
    notes.forgive(cell);
    cell.classList.add("is-saving");
  }
  const { data, message, status } = await send(`${location.pathname}paste/`, { block: JSON.stringify(block), what });
  for (const [cell] of changed.flat()) cell.classList.remove("is-saving");
  if (status === 204) return grid.refresh();
  toast(data?.message ?? message, true);
  if (status === 409) return grid.refresh(); // show what others changed, for the user to decide
  const faults = (data?.cells ?? []).map((fault) => {
    const cell = grid.cellOf(fault.id, fault.column);
    if (cell) notes.blame(cell, fault.message);
    return cell;
  });
  if (faults[0]) {
    grid.table().querySelector("td:focus")?.blur();
    grid.activate(grid.placeOf(faults[0]));
  }
}

document.addEventListener("paste", async (event) => {
  if (!isMine() || !grid.mayEdit() || !grid.active() || grid.active().row < 0) return;
  event.preventDefault();
  const { problem, start, size, cells } = placed(read(event.clipboardData.getData("text/plain")));
  if (problem) return void toast(problem, true);
  grid.activate(start);
  await write(cells, "paste");
  if (grid.table().querySelector("td.is-invalid")) return;
  grid.activate({ row: start.row + size.high - 1, column: start.column + size.wide - 1 }, { extend: true });
});

// Clearing ---------------------------------------------------------------------------------------------------------

function clear() {
  const cells = meant().map((row) => row.filter((cell) => cell.cellIndex > 0).map((cell) => [cell, null]));
  if (cells.flat().length) write(cells, "clear");
}

document.addEventListener("keydown", (event) => {
  const cell = grid.cellAimedAt(event);
  if (event.key !== "Delete" || cell?.tagName !== "TD" || event.ctrlKey || event.altKey || !grid.mayEdit()) return;
  event.preventDefault();
  // If records are chosen, the key might mean them, so do nothing.
  if (chosenRows().length && !grid.range()) document.querySelector("#selection [value=delete]").focus();
  else clear();
});
