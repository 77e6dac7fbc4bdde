/** Entry of the seller's page. */

import "./seller/seller-element.js";
