"""Rails: ways to be paid, as ``bitcache.payment_rail.Rail`` describes them."""
