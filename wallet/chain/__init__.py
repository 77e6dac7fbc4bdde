"""Chain sources: where blocks and unconfirmed payments come from."""
