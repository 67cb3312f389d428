"""People at the gateway: accounts, sessions, signing in, and who may do what."""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning

# Authlib asks for httpx2, the successor of httpx; it works with both.
warnings.simplefilter("ignore", AuthlibDeprecationWarning)
