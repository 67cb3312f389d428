"""A client for those who build kiosks: enrolment, signatures, and a queue that loses nothing.

It stands alone (aiohttp, cryptography, http-message-signatures) and knows the gateway by its public
protocol only, docs/devices.md; copy it, or read it beside that page.
"""
