"""Rails: ways to be paid, as ``bitcache.ports.Rail`` describes them."""
