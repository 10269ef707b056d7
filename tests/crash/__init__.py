"""The campaign: mails and faults by chance, processes killed and stopped; then three books must agree.

`scenario` draws what happens from a seed, `clients` send mails until each is answered, `nodes` are daemons
that die and are started again, `books` compare what clients saw, what the provider took, and what mailboxes
got.
"""
