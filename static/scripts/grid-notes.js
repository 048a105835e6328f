// Notes at cells: what is wrong with the typed text. They lie in the top layer, so that no scrolling box cuts them off,
// and follow their cell when it scrolls.

import * as fields from "./fields.js";

const floating = new Map();

/** Keep an element beside a cell. */
export function float(element, cell) {
  floating.set(element, cell);
  fields.place(element, cell);
}

document.addEventListener("scroll", () => {
  for (const [element, cell] of floating) {
    if (element.isConnected && cell.isConnected) fields.place(element, cell);
    else floating.delete(element);
  }
}, { capture: true, passive: true });

function note() {
  let element = document.getElementById("cell-note");
  if (!element) {
    element = document.createElement("p");
    element.id = "cell-note";
    element.className = "cell-note";
    element.setAttribute("role", "alert");
    element.popover = "manual";
    document.querySelector(".sheet-grid").append(element);
  }
  return element;
}

export function show(cell, message) {
  const element = note();
  element.textContent = message;
  if (!element.matches(":popover-open")) element.showPopover();
  float(element, cell);
}

export function hide() {
  const element = document.getElementById("cell-note");
  if (element?.matches(":popover-open")) element.hidePopover();
}

/** Mark a cell whose new value was refused. The reason shows again when it gets the focus. */
export function blame(cell, message) {
  cell.classList.add("is-invalid");
  cell.setAttribute("aria-invalid", "true");
  cell.dataset.error = message;
}

export function forgive(cell) {
  cell.classList.remove("is-invalid");
  cell.removeAttribute("aria-invalid");
  delete cell.dataset.error;
  hide();
}
