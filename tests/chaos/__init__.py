"""The proof that not one payment is lost: random payments, reorganisations and faults against a real gateway.

Read in this order:

    __main__.py         the command line
    run.py              the loop: one random event after another, a checkpoint now and then
    payments.py, blocks.py, faults.py    the events
    reference.py        what is true, from the node alone, by rules as simple as they can be
    timings.py, clock.py    when things can have happened, as far as the harness knows by itself
    checkpoint.py       the gateway compared with the reference: ledger, grants, and what a buyer is told
    loss_budget.py      how much is released unconfirmed, to the last satoshi
    environment.py      everything that runs: node, gateway, the things that can be broken
    node.py, rpc.py, coins.py            the node, spoken to without any of Bitcache's own code
    seller_and_buyers.py, gateway.py, gateway_process.py    the gateway process, and its seller and buyers over HTTP
    wallet.py           a second rail over a wallet service in a file
    lightning.py, lightning_events.py    Lightning: what is paid, and what goes wrong with it
    lightning_service.py, lightning_relay.py    wallet and relay, each a process that is killed
    zmq_proxy.py, small_disk.py          what can be cut off, and what can be filled
    mutations.py, lightning_mutations.py    faults put into the gateway on purpose, each of which must be caught

``docs/reliability.md`` says what all this proves.
"""
