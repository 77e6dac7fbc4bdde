/** Entry of the seller's page. */

import "./seller/element.js";
