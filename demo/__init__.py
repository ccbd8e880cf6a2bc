"""From brief to live media buys at two sandbox sellers, on a server and a store of its own: `make demo`."""
