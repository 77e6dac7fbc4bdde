/** Entry of the buyer's page and of the widget's frame. */

import "./checkout/checkout-element.js";
