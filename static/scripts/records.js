// Everything that makes a table of records a grid.

import "./console.js";
import "./charts.js";
import "./charts-range.js";
import "./columns.js";
import "./grid-changes.js";
import "./grid-clipboard.js";
import "./grid-edit.js";
import "./grid-heads.js";
import "./grid-sort.js";
import "./grid-undo.js";
import "./grid-widths.js";
import "./menus.js";
