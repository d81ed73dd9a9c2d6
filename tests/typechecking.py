"""Check types and shapes at run time in tests; an int may stand where a float is asked for, as PEP 484 has it."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
