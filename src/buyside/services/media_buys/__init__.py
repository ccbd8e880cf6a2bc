"""Media buys: prepared in one transaction, placed outside any, settled in another; watched ever after."""
