"""Domain values as they travel: one module a noun, one function a response."""
