// The page of one record, with fields that are more than text.

import "./console.js";
import "./fields.js";
