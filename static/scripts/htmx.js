// htmx is a classic script with extensions of its own kind: it leaves its one name in the global scope, and runs before
// the modules because it stands before them in the page.

export const { htmx } = globalThis;
