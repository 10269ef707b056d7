"""Fax gateway: mail in, fax out; fax in, mail out, through a VoIP.ms account.

How a fax goes out::

    mailin.smtp / mailin.imap / control  a mail arrives; mailin.policy judges it on its header block
      -> mailin.intake                   the one door: Submission, Document, a Fax per number, one commit
      -> store                             250 is said only now
    worker claims the Document -> document   renders once, in a child process, to 1-bit G4 pages
    worker claims each Fax -> faxout.submit  intent committed, then one sendFaxMessage call
                           -> faxout.track   reads getFaxMessages, decides by proof (faxout.match)
      -> store                             final state and outbox row in one transaction
    worker claims the outbox row -> mailout  composes and delivers the receipt

How a fax comes in::

    faxin.poll      lists every folder but SENT, by id, from the high-water mark -> store (seen)
    worker -> faxin.fetch  stores the PDF (fetched) -> faxin.route picks mailboxes (routed, outbox rows)
    worker -> mailout      mails it, or asks the provider to -> (mailed) -> moved to a folder (acknowledged)

Stages (mailin, document, faxout, faxin, mailout, control) never import each other: they meet in the store.
`app` wires everything by hand and is the only module that knows all of them.
"""

__version__ = "0.1.0"
