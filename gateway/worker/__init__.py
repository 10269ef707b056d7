"""Claim → step → outcome → one write.

`crew` runs the steps, `ticker` the beats; stages return `outcomes`; `apply` turns them into writes through
the table of moves, and `story` tells the journal afterwards. `lease` is the right to go on with one item.
"""
