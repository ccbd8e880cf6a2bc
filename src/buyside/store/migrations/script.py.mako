"""${message[0].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op
% if "database." in upgrades:

from buyside.store import database
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades}
