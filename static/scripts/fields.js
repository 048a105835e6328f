// Text fields that a script extends: a calendar beside a date (`data-picker`), and in the grid a list
// of the records that a reference can name. Text can be typed into both; a choice only fills it in.

import { iconOf } from "./icons.js";
import { send } from "./requests.js";

let count = 0;

// Dates and times ------------------------------------------------------------------------------------------------

function addPicker(input) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "picker";
  button.tabIndex = -1; // Alt+Down does the same from the field
  button.setAttribute("aria-label", input.dataset.picker === "time" ? "Choose a time" : "Choose a date");
  button.append(iconOf(input.dataset.picker === "time" ? "clock" : "calendar"));
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => pick(input));
  input.after(button);
}

/** Open the browser's own calendar until something is chosen. */
function pick(input) {
  const isMoment = input.dataset.picker === "datetime-local";
  const native = document.createElement("input");
  native.type = input.dataset.picker;
  native.className = "picker-native";
  native.tabIndex = -1;
  native.setAttribute("aria-hidden", "true");
  const asNative = (text) => (isMoment ? text.trim().replace(" ", "T").replace("Z", "").slice(0, 19) : text.trim());
  native.value = asNative(input.value);
  for (const end of ["min", "max"]) if (input.hasAttribute(end)) native[end] = asNative(input.getAttribute(end));
  native.addEventListener("change", () => {
    // A moment with a zone is written, and read, in UTC.
    const zone = input.placeholder.endsWith("Z") && isMoment ? "Z" : "";
    if (native.value) input.value = native.value.replace("T", " ") + zone;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    native.remove();
    input.focus();
  });
  input.addEventListener("blur", () => native.remove(), { once: true });
  input.after(native);
  native.showPicker?.();
}

// References -----------------------------------------------------------------------------------------------------

const searches = new WeakMap();

/** Make a field that suggests records (reference_inputs.py) a combobox with a list of its own. */
export function combobox(input) {
  const list = document.createElement("ul");
  list.id = `found-${(count += 1)}`;
  list.className = "found";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Records found");
  list.popover = "manual";
  const search = { input, list, url: input.getAttribute("hx-get"), at: -1, number: 0, answer: Promise.resolve() };
  for (const { name } of [...input.attributes]) {
    if (name === "list" || name.startsWith("hx-")) input.removeAttribute(name);
  }
  const attributes = {
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  };
  for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  input.after(list);
  searches.set(input, search);
  input.addEventListener("input", () => look(search, input.value.trim(), 120));
  input.addEventListener("keydown", (event) => steer(search, event));
  input.addEventListener("blur", () => close(search));
  input.addEventListener("click", () => look(search, "", 0));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    choose(search, option);
    input.dispatchEvent(new CustomEvent("tablekeep:chosen", { bubbles: true }));
  });
}

function look(search, text, delay) {
  const number = (search.number += 1);
  search.answer = new Promise((resolve) => setTimeout(resolve, delay)).then(async () => {
    if (number !== search.number) return search.answer;
    const { html } = await send(`${search.url}?search=${encodeURIComponent(text)}`);
    if (number === search.number) show(search, [...(html?.querySelectorAll("option") ?? [])], text);
    return undefined;
  });
}

function show(search, found, text) {
  search.list.replaceChildren(...found.map(({ value }, index) => {
    const option = document.createElement("li");
    option.id = `${search.list.id}-${index}`;
    option.setAttribute("role", "option");
    option.textContent = value;
    return option;
  }));
  const isOpen = found.length > 0 && document.activeElement === search.input;
  mark(search, isOpen && text ? 0 : -1);
  if (!isOpen) return close(search);
  if (!search.list.matches(":popover-open")) search.list.showPopover();
  search.input.setAttribute("aria-expanded", "true");
  place(search.list, search.input);
}

function mark(search, at) {
  search.at = at;
  [...search.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
  const marked = search.list.children[at];
  if (marked) search.input.setAttribute("aria-activedescendant", marked.id);
  else search.input.removeAttribute("aria-activedescendant");
  marked?.scrollIntoView({ block: "nearest" });
}

function close(search) {
  if (search.list.matches(":popover-open")) search.list.hidePopover();
  search.input.setAttribute("aria-expanded", "false");
}

function choose(search, option) {
  search.number += 1;
  search.input.value = option.textContent;
  search.list.replaceChildren();
  mark(search, -1);
  close(search);
}

function steer(search, event) {
  const isOpen = search.input.getAttribute("aria-expanded") === "true";
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (isOpen) mark(search, Math.min(Math.max(search.at + step, 0), search.list.children.length - 1));
    else look(search, "", 0);
  } else if (event.key === "Escape") close(search);
}

/** Whether a field is a combobox. */
export const isSearch = (input) => searches.has(input);

/** The value of a combobox once the typed text has been looked up: the marked record if none was chosen. */
export async function chosen(input) {
  const search = searches.get(input);
  await search.answer;
  const marked = search.list.children[search.at];
  if (marked) choose(search, marked);
  return input.value.trim();
}

// Both ---------------------------------------------------------------------------------------------------------------

/** Place an element in the top layer below (or above) the element to which it belongs. */
export function place(floating, to) {
  const around = to.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = floating;
  const isBelow = around.bottom + height + 4 < innerHeight || around.top < height + 4;
  floating.style.top = `${isBelow ? around.bottom + 2 : around.top - height - 2}px`;
  floating.style.left = `${Math.max(4, Math.min(around.left, innerWidth - width - 4))}px`;
  floating.style.minWidth = `${around.width}px`;
}

export function enhance(root) {
  for (const input of root.querySelectorAll("input[data-picker]:not([data-more])")) addPicker(input);
  for (const input of root.querySelectorAll("input[data-picker]")) input.dataset.more = "";
}

document.addEventListener("DOMContentLoaded", () => enhance(document));
document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key === "ArrowDown" && event.target.matches?.("input[data-picker]")) {
    event.preventDefault();
    pick(event.target);
  }
});
