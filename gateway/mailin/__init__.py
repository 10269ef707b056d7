"""Mail in: the doors (SMTP, polled mailboxes, the command line) and what decides at them.

A door reads the bounded header block (`header`), lets `gate` judge it by the sender rules (`policy`), streams
the content without its security code (`redact`) into a draft, and hands it to `intake`, the one way in.
"""
