"""What travels: pydantic models of the wire, shared by every surface."""
