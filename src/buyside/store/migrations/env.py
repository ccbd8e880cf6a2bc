"""Run by Alembic. The connection is passed in, already in a transaction; there is no other way to run it."""

from alembic import context

from buyside.store.migrate import is_ours
from buyside.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_ours,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=False,
    user_module_prefix="database.",
)
context.run_migrations()
