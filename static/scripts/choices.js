// The choices of a column, typed one a line into a text field: as a list whose entries are added, dragged and moved by
// Alt+arrows. The text field stays what is sent.

import { iconOf } from "./icons.js";

let count = 0;

function enhance(area) {
  area.dataset.more = "";
  area.hidden = true;
  const list = document.createElement("ol");
  list.className = "choice-list";
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", "Choices");
  for (const text of area.value.split("\n")) if (text.trim()) list.append(entry(text.trim()));
  list.append(entry(""));
  area.after(list);
  number(list);
}

function entry(text) {
  const item = document.createElement("li");
  const grip = Object.assign(document.createElement("span"), { className: "choice-grip", draggable: true });
  grip.append(iconOf("grip-vertical"));
  grip.title = "Drag to move, or press Alt+↑ and Alt+↓";
  const input = Object.assign(document.createElement("input"), { className: "form-control", value: text });
  input.id = `choice-${(count += 1)}`;
  input.autocomplete = "off";
  const remove = Object.assign(document.createElement("button"), { type: "button" });
  remove.className = "btn btn-quiet btn-icon-only";
  remove.append(iconOf("x"));
  item.append(grip, input, remove);
  return item;
}

/** Name the entries by their places. The last one is empty: it is where a choice is added. */
function number(list) {
  for (const [place, item] of [...list.children].entries()) {
    const isLast = item === list.lastElementChild;
    const input = item.querySelector("input");
    input.setAttribute("aria-label", isLast ? "Another choice" : `Choice ${place + 1}`);
    input.placeholder = isLast ? "Another choice" : "";
    item.querySelector("button").setAttribute("aria-label", `Remove ${input.value || "the choice"}`);
    item.classList.toggle("is-last", isLast);
  }
}

function changed(list) {
  if (list.lastElementChild?.querySelector("input").value.trim()) list.append(entry(""));
  number(list);
  const area = list.previousElementSibling;
  area.value = [...list.querySelectorAll("input")].map(({ value }) => value.trim()).filter(Boolean).join("\n");
}

/** The text field is told as well, so that the form is checked as if it had been typed in. */
function settled(list) {
  changed(list);
  list.previousElementSibling.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("input", ({ target }) => {
  const list = target.closest?.(".choice-list");
  if (list) changed(list);
});
document.addEventListener("change", ({ target }) => {
  const list = target.closest?.(".choice-list");
  if (list) settled(list);
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.(".choice-list button");
  if (!button) return;
  const item = button.closest("li");
  const list = item.parentElement;
  const next = item.nextElementSibling ?? item.previousElementSibling;
  if (item !== list.lastElementChild) item.remove();
  next?.querySelector("input").focus();
  settled(list);
});
document.addEventListener("paste", (event) => {
  const list = event.target.closest?.(".choice-list");
  if (!list) return;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (lines.length < 2) return;
  event.preventDefault();
  event.target.closest("li").before(...lines.map(entry));
  settled(list);
});
document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.(".choice-list li");
  if (!item) return;
  const list = item.parentElement;
  const isLast = item === list.lastElementChild;
  if (event.key === "Enter") {
    event.preventDefault(); // the next choice, not the form
    changed(list);
    (item.nextElementSibling ?? item).querySelector("input").focus();
  }
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!event.altKey || !step) return;
  event.preventDefault();
  event.stopPropagation();
  const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (isLast || !other || other === list.lastElementChild) return;
  if (step < 0) other.before(item);
  else other.after(item);
  event.target.focus();
  settled(list);
}, { capture: true });

let dragged = null;
document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.(".choice-grip");
  if (!grip || grip.parentElement.classList.contains("is-last")) return;
  dragged = grip.parentElement;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.querySelector("input").value);
  event.dataTransfer.setDragImage(dragged, 12, 12);
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.(".choice-list li");
  if (!over || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  const isAbove = event.clientY < box.top + box.height / 2 || over.classList.contains("is-last");
  over.parentElement.insertBefore(dragged, isAbove ? over : over.nextSibling);
});
document.addEventListener("drop", (event) => {
  if (dragged && event.target.closest?.(".choice-list")) event.preventDefault();
});
document.addEventListener("dragend", () => {
  if (dragged) settled(dragged.parentElement);
  dragged = null;
});

function prepare(root) {
  for (const area of root.querySelectorAll("textarea[data-choices]")) {
    if (area.nextElementSibling?.matches(".choice-list")) continue;
    enhance(area);
  }
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:after:process", ({ target }) => prepare(target instanceof Element ? target : document));
document.addEventListener("htmx:after:swap", () => prepare(document));
