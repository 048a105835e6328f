// Messages in the corner of the page, from the server and from scripts.

import { iconOf } from "./icons.js";

const TOAST_SECONDS = 7;
// A toast with Undo stays long enough to be read, thought about and reached.
const WAY_BACK_SECONDS = 20;

/** Show a toast. An error stays until it is dismissed. */
export function toast(text, isError = false) {
  // Several parts of a page may fail for the same reason.
  const shown = [...document.querySelectorAll("#toasts .toast-bad p")].some((words) => words.textContent === text);
  if (isError && shown) return null;
  const item = document.createElement("div");
  item.className = isError ? "toast-item toast-bad" : "toast-item";
  item.dataset.toast = "";
  const words = document.createElement("p");
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.dismiss = "";
  button.setAttribute("aria-label", "Dismiss");
  button.append(iconOf("x"));
  item.append(iconOf(isError ? "alert-circle" : "circle-check"), words, button);
  document.getElementById("toasts").append(item);
  expire(item);
  return item;
}

/** Show the toasts in a response. */
export function showToasts(answer) {
  for (const item of answer.querySelectorAll("[data-toast]")) {
    document.getElementById("toasts").append(item);
    arrived(item);
  }
}

const expiring = new WeakSet();

/** Remove a toast after a while, unless it is an error; never while the pointer or the focus is on it. */
function expire(item) {
  if (item.classList.contains("toast-bad") || expiring.has(item)) return;
  expiring.add(item);
  const seconds = item.querySelector("[data-way-back]") ? WAY_BACK_SECONDS : TOAST_SECONDS;
  let timer;
  const start = () => {
    clearTimeout(timer);
    if (!item.matches(":hover, :focus-within")) timer = setTimeout(() => item.remove(), seconds * 1000);
  };
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("focusin", () => clearTimeout(timer));
  item.addEventListener("pointerleave", start);
  item.addEventListener("focusout", () => setTimeout(start));
  start();
  // Only one Undo at a time, for the latest change: with several it would be unclear which button undoes what.
  if (!item.querySelector("[data-way-back]")) return;
  for (const form of document.querySelectorAll("#toasts [data-way-back]")) {
    if (!item.contains(form)) form.closest("[data-toast]").remove();
  }
}

function arrived(item) {
  expire(item);
  document.dispatchEvent(new CustomEvent("tablekeep:toast", { detail: item }));
  if (item.querySelector("[data-way-back]")) document.dispatchEvent(new CustomEvent("tablekeep:changed"));
}

/** The toasts that the server put into the page, or into a part inserted by htmx. */
function notice(root) {
  const toasts = [...root.querySelectorAll("[data-toast]"), ...(root.matches?.("[data-toast]") ? [root] : [])];
  for (const item of toasts) if (!expiring.has(item) && !item.matches(".toast-bad")) arrived(item);
}

// By then all modules of the page are listening.
document.addEventListener("DOMContentLoaded", () => notice(document));
document.addEventListener("htmx:after:process", ({ target }) => notice(target instanceof Element ? target : document));

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element) target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
});
