// The page's script, in two modules.

import "./socket.js";
import "./forms.js";
