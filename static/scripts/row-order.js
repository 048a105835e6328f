// Rows that have an order: they are dragged by their grip, or moved by Alt+Up and Alt+Down from anywhere in them.
// A row of the new table's form is moved by the server, which numbers the rows; a row of a table's columns is moved
// here, and the server is told its place.

import { send } from "./requests.js";
import { toast } from "./toasts.js";

const rowsOf = (row) => [...row.closest("[data-rows]").querySelectorAll("[data-movable]")];

let dragged = null;
let draggedFrom = 0;
document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.(".row-grip");
  if (!grip) return;
  dragged = grip.closest("[data-movable]");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", titleOf(dragged));
  event.dataTransfer.setDragImage(dragged, 12, 12);
  const row = dragged;
  draggedFrom = rowsOf(row).indexOf(row);
  requestAnimationFrame(() => row.classList.add("is-dragged"));
});
document.addEventListener("dragover", (event) => {
  if (!dragged || event.target.closest?.("[data-rows]") !== dragged.closest("[data-rows]")) return;
  event.preventDefault();
  const over = event.target.closest("[data-movable]");
  if (!over || over === dragged) return;
  const box = over.getBoundingClientRect();
  over.parentElement.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
});
document.addEventListener("drop", (event) => {
  if (dragged && event.target.closest?.("[data-rows]")) event.preventDefault();
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  const row = dragged;
  dragged = null;
  row.classList.remove("is-dragged");
  settle(row, draggedFrom, rowsOf(row).indexOf(row));
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = event.altKey && step && event.target.closest?.("[data-movable]");
  // Alt+Down opens a list of choices and a calendar.
  if (!row || event.defaultPrevented || event.target.matches("select, [data-picker], [list]")) return;
  event.preventDefault();
  moveBy(row, step);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("tbody[data-movable] button[data-step]");
  if (!button) return;
  event.preventDefault();
  moveBy(button.closest("[data-movable]"), Number(button.dataset.step));
});

function moveBy(row, step) {
  const rows = rowsOf(row);
  const from = rows.indexOf(row);
  const other = rows[from + step];
  if (!other) return;
  if (row.closest("table")) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    if (step < 0) other.before(row);
    else other.after(row);
    focused?.focus(); // an element that is moved loses it
  }
  settle(row, from, from + step);
}

/** Tell the server where a row is now. */
function settle(row, from, to) {
  if (from === to) return;
  if (row.closest("table")) keep(row, to);
  else submit(row, from, to);
}

// A table's columns ---------------------------------------------------------------------------------------------

let last = Promise.resolve();

function keep(row, to) {
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  const rows = rowsOf(row);
  for (const [place, each] of rows.entries()) {
    for (const button of each.querySelectorAll("button[data-step]")) {
      button.disabled = button.dataset.step === "-1" ? place === 0 : place === rows.length - 1;
    }
  }
  if (focused?.disabled) row.querySelector("button[data-step]:not(:disabled)")?.focus();
  say(row, to);
  last = tell(row, to, last);
}

/** One after another, so that the last place told is the last one meant. */
async function tell(row, place, before) {
  await before;
  const { status, message } = await send(row.dataset.movable, { do: "place", place });
  if (status !== 204) toast(message ?? "The order could not be kept. Reload the page.", true);
}

// A new table's rows --------------------------------------------------------------------------------------------

let moving = null;

function submit(row, from, to) {
  const form = row.closest("form");
  const active = row.contains(document.activeElement) ? document.activeElement : null;
  moving = { to, title: titleOf(row), field: active?.name?.replace(/^columns-\d+-/, ""), step: active?.dataset.step };
  const button = document.createElement("button");
  Object.assign(button, { name: "do", value: `move:${from}:${to}`, hidden: true, formNoValidate: true });
  active?.blur(); // the answer leaves what is being typed alone, but here the field gets another row's value
  form.append(button);
  form.requestSubmit(button);
  button.remove();
}

document.addEventListener("htmx:after:swap", () => {
  if (!moving) return;
  const row = document.getElementById(`column-row-${moving.to}`);
  if (row) {
    const field = moving.field && moving.field !== "do" && row.querySelector(`[name$="-${moving.field}"]`);
    const button = moving.step && row.querySelector(`button[data-step="${moving.step}"]:not(:disabled)`);
    (field || button || row.querySelector("button[data-step]:not(:disabled)"))?.focus();
    say(row, moving.to, moving.title);
  }
  moving = null;
});

// Both ----------------------------------------------------------------------------------------------------------

function titleOf(row) {
  return row.dataset.title ?? (row.querySelector("input[name$='-name']")?.value.trim() || "The column");
}

/** Announce to screen readers where a row is now. */
function say(row, place, title = titleOf(row)) {
  const line = document.getElementById("moved-said");
  if (line) line.textContent = `${title}: ${place + 1} of ${rowsOf(row).length}`;
}
