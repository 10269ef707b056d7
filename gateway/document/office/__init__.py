"""Office documents to PDF by LibreOffice, in a process of its own for each.

Drawing children can start no program, so they ask the daemon, and the daemon asks `Office` (conversion). It
starts the `converter`, which shuts itself in (confinement), loads LibreOffice as a library (kit) with a
profile made for the occasion (profile), has it open the document and write a PDF, and ends. The daemon judges
by how it ended (outcome), and believes nothing of what it made: the PDF goes to a drawing child like any
that was sent.
"""

from gateway.document.office.conversion import Office

__all__ = ["Office"]
