"""The command line: ``bitcache init``, ``serve``, ``sell``, ``buy``, ``demo``, ``doctor``, ``rescan``, …

    main.py             the commands, put together (demo: gateway/demo/)
    command_runner.py   running one: errors, exit codes, JSON
    console.py          what a terminal shows
    error_docs.py       writes docs/errors.md from the error classes

    init.py  init_run.py                   make a data folder
    serve.py                               run the gateway
    sell.py  sell_run.py  buy.py  buy_run.py
    sell_several.py  standard_input.py     sales one after the other; what comes on standard input
    doctor.py  doctor_run.py               what is well, and what is not
    invite.py  invite_run.py               invitations, and tokens for programs
    sellers.py  sellers_run.py             who sells here, for the operator
    reports.py  reports_run.py             what visitors reported; files taken down and put back
    export.py  export_run.py               a seller takes everything along, and brings it elsewhere
    backup.py  backup_run.py               a backup while it runs, and the way back
    rescan.py  rescan_run.py               stored payments compared with the chain
    resume_sales.py  resume_sales_run.py   after a backup was put back

A command is two modules: ``NAME`` holds its options and loads at once, ``NAME_run`` does the work and loads
when it is run.

What a person reads goes to stderr while it happens and to stdout when it is the result; with ``--json`` the last
line of stdout is one JSON object and nothing else goes there (``sell`` with several files: one a line for each).
Exit codes: docs/protocol.md §9.
"""
