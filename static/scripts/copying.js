// Buttons that copy the text of a field. Without this script they stay hidden, and the text is selected by hand.

import { toast } from "./toasts.js";

function show(root) {
  for (const button of root.querySelectorAll("button[data-copies]")) button.hidden = false;
}

document.addEventListener("DOMContentLoaded", () => show(document));
document.addEventListener("htmx:after:swap", () => show(document));

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("button[data-copies]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    // Browsers allow it only on https:// and on this machine; selected text can be copied by hand anywhere.
    text.focus();
    text.select();
    toast("This browser does not let pages copy. The text is selected: press Ctrl+C.", true);
    return;
  }
  toast(`Copied: ${button.textContent.replace("Copy", "").trim()}.`);
});
