"""Devices: enrolled by a one-time code, known by a public key, bound to their office.

`store` keeps invitations and devices, `enrolment` is the route that turns one into the other,
`signature` finds out which device a request comes from, `rights` what it may hand in.
docs/devices.md is the protocol for those who build kiosks.
"""
