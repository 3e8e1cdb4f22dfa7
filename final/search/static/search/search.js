// The page's script. Each module says what it does.

import "./socket.js";
import "./forms.js";
