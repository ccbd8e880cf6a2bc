"""AdCP's words for ours, and ours for AdCP's. No other module spells AdCP fields."""
