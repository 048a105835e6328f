// Undo in the grid: the button of a change's toast, and Ctrl+Z and Ctrl+Y (or Ctrl+Shift+Z) where the focus is in the
// grid. Without this script the button posts its form, and the next page shows the result.

import * as grid from "./grid.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

// The URLs to undo and redo the changes of this visit, latest last.
const ways = { Undo: [], Redo: [] };
let isReturning = false;
let queue = Promise.resolve();

document.addEventListener("tablekeep:toast", ({ detail: item }) => {
  const form = item.querySelector("form[data-way-back]");
  const stack = ways[form?.querySelector("button").value];
  if (!stack) return;
  if (!isReturning) ways.Redo.length = 0; // after a new change, earlier undone changes cannot be redone
  stack.push(form.action);
});

async function follow(url, word) {
  for (const stack of Object.values(ways)) if (stack.includes(url)) stack.splice(stack.indexOf(url), 1);
  const { message } = await send(url, { word });
  for (const form of document.querySelectorAll("form[data-way-back]")) {
    if (form.action === url) form.closest("[data-toast]").remove();
  }
  if (message) return toast(message, true);
  isReturning = true;
  await grid.refresh();
  isReturning = false;
}

document.addEventListener("submit", async (event) => {
  if (!event.target.matches("form[data-way-back]") || !document.getElementById("grid")) return;
  event.preventDefault();
  const button = event.target.querySelector("button");
  if (button.hasAttribute("aria-busy")) return; // ignore a second click
  button.setAttribute("aria-busy", "true");
  await follow(event.target.action, button.value);
  button.removeAttribute("aria-busy"); // if it failed, the button is still there
  if (document.activeElement === document.body && grid.active()) grid.activate(grid.active());
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !grid.cellAimedAt(event)) return;
  const key = event.key.toLowerCase();
  const word = key === "y" || (key === "z" && event.shiftKey) ? "Redo" : key === "z" ? "Undo" : null;
  if (!word) return;
  event.preventDefault();
  // One after another: the URL for the second is only known after the first.
  queue = queue.then(() => {
    const url = ways[word].at(-1);
    return url ? follow(url, word) : grid.say(word === "Undo" ? "Nothing to undo" : "Nothing to redo");
  });
});
