"""AdCP sales agents over MCP and A2A."""
