// What Swagger UI's page lacks for those who do not see it: names for its inputs, no link in a button.

import "./console.js";

/** Name an input after the parameter in whose row it stands. */
function name(input) {
  const parameter = input.closest("tr")?.querySelector(".parameter__name")?.textContent.trim();
  if (!input.labels?.length && !input.ariaLabel) input.ariaLabel = parameter || "Request body";
}

function mend(root) {
  for (const part of root.querySelectorAll(".information-container:not([role])")) {
    part.setAttribute("role", "region");
    part.ariaLabel = "How requests are sent";
  }
  for (const link of root.querySelectorAll("button a[href]")) link.removeAttribute("href");
  for (const table of root.querySelectorAll("table[role=region]")) {
    table.removeAttribute("role");
  }
  for (const input of root.querySelectorAll("textarea, select, input:not([type=hidden])")) name(input);
  for (const block of root.querySelectorAll(".highlight-code > pre:not([tabindex])")) block.tabIndex = 0;
}

const page = document.getElementById("swagger-ui");
let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    mend(page);
  });
}).observe(page, { childList: true, subtree: true });
mend(page);
