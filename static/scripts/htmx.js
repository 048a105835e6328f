// htmx and its extensions are classic scripts: htmx defines one global name, and runs before
// the modules because it precedes them in the page.

export const { htmx } = globalThis;
