"""REST in, JSON out."""
