"""The command line: ``bitcache init``, ``serve``, ``sell``, ``buy``, ``demo``, ``doctor``, ``rescan``.

    main.py   the commands, put together         command_runner.py       running one: errors, exit codes, JSON
    console.py   what a terminal shows              command.py      everything at once, on a private network
    doctor.py what is well, and what is not      rescan.py    the ledger compared with the chain

A command is two modules: ``sell.py`` holds its options and loads at once, ``sell_run.py`` does the work and loads
when it is run.

What a person reads goes to stderr while it happens and to stdout when it is the result; with ``--json`` the last
line of stdout is one JSON object and nothing else goes there.  Exit codes: docs/protocol.md §9.
"""
