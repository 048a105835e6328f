// The columns menu of the grid: columns are dragged or moved by buttons, and the menu stays open. Each change
// is sent at once; the server's answer is the truth. Without this script the same buttons lead to a page of their own.

import { load } from "./menus.js";

const MENU = "columns-menu";
const panel = () => document.getElementById("columns-panel");
/** Whether the menu holds its form, and no longer the link to it. */
const isLoaded = () => Boolean(panel()?.querySelector("form"));
const renew = () => load(panel(), `${location.pathname}columns/${location.search}`, "innerMorph");
// Sent and not answered yet: the form is ahead of the server then, and nothing older may replace it.
let unanswered = 0;
let isOutdated = false;
let wasOpen = false;
let focused = null;
let isReopened = false;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(`#${MENU} .column-order button`);
  if (!button) return;
  // Moved here at once, and sent as it is then: a second step begins where the first has led, answered or not.
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  const item = button.closest("li");
  if (button.value.startsWith("up")) item.previousElementSibling.before(item);
  else item.nextElementSibling.after(item);
  button.focus(); // which an element that is moved loses
  send(item);
});

/** Send the form with a column at another place. */
function send(item) {
  const items = [...item.parentElement.children];
  for (const each of items) {
    mark(each.querySelector("[name=do][value^=up]"), each === items[0]);
    mark(each.querySelector("[name=do][value^=down]"), each === items.at(-1));
  }
  item.closest("form").requestSubmit();
  say(item);
}

function mark(button, isEnd) {
  if (isEnd) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

document.addEventListener("submit", ({ target, submitter }) => {
  if (target.id !== "columns-form") return;
  unanswered += 1;
  if (submitter) isOutdated = true; // a button for all columns; everything else is sent as it is here
});
document.addEventListener("htmx:finally:request", ({ target }) => {
  if (target.id === "columns-form") unanswered -= 1;
});
document.addEventListener("htmx:response:error", ({ target }) => {
  if (target.id === "columns-form") renew();
});

// A morph closes the menu, since the server does not know that it is open, and leaves its form as it is. What the form
// is now like is asked for separately where it may be another; elements that this moves lose the focus.
document.addEventListener("htmx:before:swap", () => {
  const active = document.activeElement;
  focused = active?.closest(`#${MENU}`) ? active.id : null;
  wasOpen = document.getElementById(MENU)?.open ?? false;
});
document.addEventListener("htmx:after:swap", async (event) => {
  if (!wasOpen || event.detail?.ctx?.target?.id !== "grid") return; // charts are loaded later, separately
  wasOpen = false;
  const active = focused; // while the form is loaded again, more may be pressed
  const isOwn = event.detail.ctx.sourceElement?.id === "columns-form";
  if (!isOwn) isOutdated = true;
  isReopened = true;
  document.getElementById(MENU).open = true;
  if (isLoaded() && isOutdated && unanswered <= Number(isOwn)) {
    isOutdated = false;
    await renew();
  }
  const input = document.getElementById("find-column");
  if (input && wanted) {
    input.value = wanted;
    find(wanted);
  }
  if (active && document.activeElement === document.body) document.getElementById(active)?.focus();
});

// Finding a column leaves the others out of sight, until the menu is closed.
let wanted = "";
function find(text) {
  wanted = text;
  for (const item of document.querySelectorAll(`#${MENU} .column-order > li`)) {
    item.hidden = !item.querySelector("label").textContent.toLowerCase().includes(text.trim().toLowerCase());
  }
}
document.addEventListener("input", ({ target }) => {
  if (target.id === "find-column") find(target.value);
});
document.addEventListener("keydown", (event) => {
  // Enter in the form would send it.
  if (event.target.id === "find-column" && event.key === "Enter") event.preventDefault();
});
document.addEventListener("toggle", ({ target }) => {
  if (target.id === MENU && target.open && isLoaded() && !isReopened) renew(); // other menus change columns, too
  if (target.id === MENU) isReopened = false;
  const input = document.getElementById("find-column");
  if (target.id !== MENU || target.open || !input) return;
  input.value = "";
  find("");
}, { capture: true });

/** Announce to screen readers where a column has moved. */
function say(item) {
  const line = document.getElementById("columns-said");
  if (!item || !line) return;
  const all = [...item.parentElement.children];
  line.textContent = `${item.querySelector("label").textContent.trim()}: ${all.indexOf(item) + 1} of ${all.length}`;
}

let dragged = null;
document.addEventListener("dragstart", (event) => {
  const item = event.target.closest?.(".column-order > li");
  if (!item) return;
  dragged = item;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", item.querySelector("label").textContent.trim());
  requestAnimationFrame(() => item.classList.add("is-dragged"));
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.(".column-order > li");
  if (!dragged || !event.target.closest?.(".column-order")) return;
  event.preventDefault();
  if (!over || over === dragged) return;
  const box = over.getBoundingClientRect();
  over.parentElement.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
});
document.addEventListener("drop", (event) => {
  if (dragged && event.target.closest?.(".column-order")) event.preventDefault();
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("is-dragged");
  send(dragged);
  dragged = null;
});
