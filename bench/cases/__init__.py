"""One module per part of the system; each has ``cases()``, which sets up, yields its cases, and tears down."""
