// Columns of a file are dragged by their headers to the columns of the table, on the page before an import. The choice
// is that of the select beside each header, which does the same by keyboard.

import "./upload.js";

const KIND = "text/x-tablekeep-header";

const places = () => [...document.querySelectorAll(".mapping select[name^='column-']")];
const slots = () => [...document.querySelectorAll("[data-slot]")];
const headerOf = (select) => select.closest("tr").querySelector("[data-header]");

/** Show at each column of the table which header goes there. */
function paint() {
  const all = places();
  for (const slot of slots()) {
    const here = all.filter((select) => select.value === slot.dataset.slot);
    const headers = here.map((select) => headerOf(select).textContent.trim());
    const isColumn = slot.dataset.slot !== "";
    const text = headers.length ? headers.join(", ") : "nothing";
    const place = slot.querySelector("[data-from]");
    if (place.textContent !== text) place.textContent = text;
    slot.classList.toggle("is-empty", isColumn && !headers.length);
  }
}

/** Send the file's column of a select to a column of the table; whatever went there before goes nowhere. */
function go(select, column) {
  if (select.value === column) return;
  for (const other of places()) if (column && other !== select && other.value === column) other.value = "";
  select.value = column;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

let dragged = null;

function over(slot) {
  for (const other of slots()) other.classList.toggle("is-over", other === slot);
}

document.addEventListener("dragstart", (event) => {
  const header = event.target.closest?.("[data-header]");
  if (!header) return;
  dragged = places().find((select) => headerOf(select) === header) ?? null;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData(KIND, header.textContent.trim());
});
document.addEventListener("dragover", (event) => {
  if (!dragged) return;
  const slot = event.target.closest?.("[data-slot]");
  over(slot);
  if (slot) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const slot = dragged && event.target.closest?.("[data-slot]");
  if (!slot) return;
  event.preventDefault();
  go(dragged, slot.dataset.slot);
});
document.addEventListener("dragend", () => {
  dragged = null;
  over(null);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[name='suggest']");
  const select = button && button.closest("tr").querySelector("select[name^='column-']");
  if (!select) return;
  event.preventDefault();
  go(select, button.value.slice(button.value.indexOf(":") + 1));
  select.focus();
  button.closest(".suggestion").remove();
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.(".mapping select[name^='column-']")) paint();
});
// A browser that shows the page again keeps what was chosen there.
window.addEventListener("pageshow", paint);
