// The charts under the grid's heads by keyboard: one of their bars is in the tab order, Left and Right go from bar to
// bar, Home and End to the first and last. Without this script every bar is in the tab order.
"use strict";

(() => {
  const bars = () => [...document.querySelectorAll("#grid .charts a")];

  function prepare() {
    const all = bars();
    const current = all.find((bar) => bar === document.activeElement) ?? all.find((bar) => bar.tabIndex === 0 && bar.hasAttribute("tabindex"));
    for (const bar of all) bar.tabIndex = bar === (current ?? all[0]) ? 0 : -1;
  }

  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.("#grid .charts a");
    if (!bar || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = bars();
    const place = all.indexOf(bar);
    const to = { ArrowLeft: all[place - 1], ArrowRight: all[place + 1], Home: all[0], End: all.at(-1) }[event.key];
    if (!to) return;
    event.preventDefault();
    bar.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });

  document.addEventListener("htmx:after:swap", prepare);
})();
