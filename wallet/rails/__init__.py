"""Rails: ways to be paid, as ``bitcache.payment_rail.Rail`` describes them.

onchain.py                    every invoice gets a fresh address of the seller's own wallet
lightning.py                  the seller's own Lightning wallet is asked for an invoice
  lookup_schedule.py            when it is asked whether an invoice was paid
  wallet_health.py              which wallets answered, and which are left alone for a while
simulated.py                  a rail over a wallet service that is a simulation
  simulated_wallet_service.py   that service
"""
