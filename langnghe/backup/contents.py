"""What goes into a back-up, and what must not."""

from typing import Final

from langnghe.rights import OWNED
from services.gateway.contacts.store import CONTACTS, KEYS
from services.gateway.devices.store import INVITATIONS
from services.gateway.people.oidc import ERRANDS
from services.gateway.people.sessions import SESSIONS
from services.scoring.storage import REBUILDS

LEFT_OUT: Final = {
    # Erasing a contact destroys its key. A key in a back-up would undo that, and what is sealed is
    # of no use without it.
    KEYS: "contacts are erased by destroying their keys",
    CONTACTS: "cannot be opened without their keys",
    # Their ends would be undone: a session that was signed out, a code that was used.
    SESSIONS: "people sign in again",
    ERRANDS: "a sign-in under way begins again",
    INVITATIONS: "codes that were not used are given out anew",
    # It would go on where another database had come to.
    REBUILDS: "a rebuild of the counts begins again",
}
"""Collections that no back-up holds, and why."""

KEPT: Final = tuple(
    sorted(name for names in OWNED.values() for name in names if name not in LEFT_OUT)
)
"""Collections that a back-up holds: all others of the four services."""
