"""What is true right now, for operators.

facts.py          what is true right now: behind /healthz, metrics and doctor
doctor.py         ``bitcache doctor``: what is well and what is not
  doctor_rules.py   what is checked, and what to do about it
  doctor_health.py  /healthz, read by doctor
  findings.py       one finding
metrics.py        Prometheus, on a port of its own
logs.py           structlog, with secrets taken out
"""
