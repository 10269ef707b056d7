"""How fast it is, always against something measured in the same minute: ``python -m bench --help``.

The figures of a busy machine mean little, their ratios do: each measurement alternates between the gateway
and what it is compared with, a floor or another program, and reports medians. Only the checkout has this
package.
"""
