"""What people see: the digest, alert and ops mail, charts, and the hand-over to a mail server."""
