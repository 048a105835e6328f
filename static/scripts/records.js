// Everything that makes a table of records a grid.

import "./charts.js";
import "./columns.js";
import "./grid-changes.js";
import "./grid-clipboard.js";
import "./grid-edit.js";
import "./grid-undo.js";
import "./grid-widths.js";
