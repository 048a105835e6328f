// Choosing records by their checkboxes, with pointer and keys, and the actions of the bar above the grid. Without this
// script checkboxes and bar are an ordinary form.

import * as fields from "./fields.js";
import * as grid from "./grid.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

// The choice survives a swap as far as its records are still shown.
const picked = new Set();
let last = null;

const boxOf = (row) => row?.querySelector(".pick");
const bar = () => document.getElementById("selection");
const everything = () => bar()?.elements.all ?? null;

/** The rows of the chosen records. */
export function chosenRows() {
  return [...grid.rows()].filter((row) => boxOf(row)?.checked);
}

function pick(row, isPicked) {
  const box = boxOf(row);
  if (!box) return;
  box.checked = isPicked;
  if (isPicked) picked.add(box.value);
  else picked.delete(box.value);
}

/** Choose from the row that was chosen last up to this one. */
function pickUpTo(row, isPicked = true) {
  const rows = [...grid.rows()];
  const from = rows.findIndex((one) => boxOf(one)?.value === last);
  const [start, end] = [from < 0 ? row.sectionRowIndex : from, row.sectionRowIndex].toSorted((a, b) => a - b);
  for (const one of rows.slice(start, end + 1)) pick(one, isPicked);
}

function pickPage(isPicked) {
  for (const row of grid.rows()) pick(row, isPicked);
}

/** Show what is chosen, and announce it. */
function show() {
  const rows = [...grid.rows()];
  for (const row of rows) {
    if (boxOf(row)?.checked) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  }
  const count = picked.size;
  const page = document.querySelector("#grid .pick-page");
  if (page) {
    page.checked = count > 0 && count === rows.length;
    page.indeterminate = count > 0 && count < rows.length;
  }
  const all = everything();
  if (all && count < rows.length) all.checked = false;
  const label = bar()?.querySelector("[data-selected]");
  if (!label) return;
  all?.closest("label").toggleAttribute("hidden", count < rows.length);
  const isAll = all?.checked ?? false;
  const text = isAll ? "All that match are selected" : `${count} selected`;
  if (label.textContent !== text) label.textContent = text;
  for (const button of bar().querySelectorAll("[data-one]")) button.hidden = count !== 1 || isAll;
  const words = `${count} ${count === 1 ? "record" : "records"} selected`;
  if (count || label.dataset.told) grid.say(isAll ? text : words);
  label.dataset.told = count ? "yes" : "";
}

function clear() {
  pickPage(false);
  picked.clear();
  if (everything()) everything().checked = false;
  const menu = bar()?.querySelector("details");
  if (menu) menu.open = false;
  show();
}

// Pointer ----------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const box = event.target;
  if (box.matches?.("#grid .pick")) {
    if (event.shiftKey) pickUpTo(box.closest("tr"), box.checked);
    else pick(box.closest("tr"), box.checked);
    last = box.value;
    grid.activate(grid.placeOf(box.closest("td")), { focus: false });
  } else if (box.matches?.("#grid .pick-page")) pickPage(box.checked);
  else if (box === everything() && box.checked) pickPage(true);
  else if (box !== everything() || !box) return;
  show();
});

// Keys -------------------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const cell = grid.cellAimedAt(event);
  if (!cell || event.altKey || !bar()) return;
  const row = cell.closest("tbody tr");
  const isFar = event.ctrlKey || event.metaKey;
  if (event.key === " " && row && !isFar) {
    if (event.shiftKey) pickUpTo(row);
    else pick(row, !boxOf(row).checked);
    last = boxOf(row).value;
  } else if (event.key === " " && cell.cellIndex === 0 && !isFar) {
    pickPage(picked.size < grid.rows().length);
  } else if (isFar && event.key.toLowerCase() === "a") {
    // All on the page, and when repeated all that match.
    if (picked.size === grid.rows().length && everything()) everything().checked = true;
    pickPage(true);
  } else if (event.key === "Escape" && picked.size) {
    return clear();
  } else if (event.shiftKey && event.key.startsWith("Arrow") && grid.active()?.column === 0 && row) {
    return extend(row);
  } else return;
  event.preventDefault();
  show();
});

/** In the checkbox column a range of cells is a range of records. */
function extend(from) {
  const range = grid.range();
  const { row } = grid.active();
  pick(from, range !== null && from.sectionRowIndex >= range.top && from.sectionRowIndex <= range.bottom);
  pick(grid.rows()[row], true);
  show();
}

// The bar ----------------------------------------------------------------------------------------------------------

document.addEventListener("reset", (event) => {
  if (event.target !== bar()) return;
  event.preventDefault();
  clear();
  if (grid.active()) grid.activate(grid.active());
});

document.addEventListener("submit", async (event) => {
  if (event.target !== bar() || event.defaultPrevented) return;
  if (everything()?.checked) return; // more than the page shows: a separate page asks first
  event.preventDefault();
  const form = event.target;
  const button = event.submitter;
  if (form.querySelector("[aria-busy]")) return; // ignore a second Enter
  button.setAttribute("aria-busy", "true");
  const posted = [...new FormData(form, button)];
  const { message } = await send(form.action, posted);
  button.removeAttribute("aria-busy");
  if (message) return toast(message, true);
  if (button.value !== "set") clear();
  else form.querySelector("details").open = false;
  await grid.refresh();
  if (grid.active()) grid.activate(grid.active());
});

/** The value is entered in the column's own editor. */
function fitValue() {
  const form = bar();
  if (!form) return;
  const { column } = form.elements;
  const present = form.elements.value;
  const templates = [...document.querySelectorAll("template[data-editor]")];
  const template = templates.find((one) => one.dataset.editor === column.value);
  if (!template || form.dataset.fitted === column.value) return;
  form.dataset.fitted = column.value;
  const field = present.closest(".field");
  const input = template.content.firstElementChild.cloneNode(true);
  Object.assign(input, { id: present.id, name: present.name, value: "" });
  input.removeAttribute("aria-required");
  for (const rest of [...field.children]) if (!rest.matches("label")) rest.remove();
  field.append(input);
  fields.enhance(field);
  if (input.matches("input[list][hx-get]")) fields.combobox(input);
  form.elements.null.closest(".field").hidden = "required" in template.dataset || input.matches("select");
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".set-menu") && event.target.open) fitValue();
}, true);
document.addEventListener("change", (event) => {
  if (event.target.form !== bar() || !bar()) return;
  if (event.target.name === "column") fitValue();
});
document.addEventListener("input", (event) => {
  if (bar() && event.target === bar().elements.value) bar().elements.null.checked = false;
});

// Swaps ------------------------------------------------------------------------------------------------------------

function prepare() {
  if (!grid.table()) return;
  const here = new Set();
  for (const row of grid.rows()) {
    const box = boxOf(row);
    if (!box) continue;
    box.checked = picked.has(box.value);
    here.add(box.value);
  }
  for (const id of [...picked]) if (!here.has(id)) picked.delete(id);
  if (everything()) everything().checked = false;
  show();
}

document.addEventListener("tablekeep:grid", prepare);
document.addEventListener("DOMContentLoaded", prepare);
