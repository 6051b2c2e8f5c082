"""Replies to alerts, judged without a server: whom an address was made for, who writes, what the first line wants.

    addresses   the address each alert asks to be answered at, and back
    headers     who wrote, at which alert, and whether a person did
    commands    the words of a first line
    bodies      the first line of a message

A sender can be forged, a token can be shown around; only both together act. What is not a reply is ``Ignored``, for
a reason that is counted and with nothing of it kept.
"""

from monitor.answering.addresses import read_address, reply_address
from monitor.answering.bodies import read_body
from monitor.answering.commands import Command, Verb, read_command
from monitor.answering.headers import Gate, Ignored, Opened, Reason, read_header

__all__ = [
    "Command", "Gate", "Ignored", "Opened", "Reason", "Verb", "read_address", "read_body", "read_command",
    "read_header", "reply_address",
]  # fmt: skip
