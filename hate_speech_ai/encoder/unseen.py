"""Which training texts the encoder was kept from."""


def is_unseen(text_fingerprint: str) -> bool:
    """Return whether the encoder must not learn from texts with this `fingerprint`: one in twenty.

    What stands behind the encoder is calibrated on such texts: those it has learned from look easier than they are.
    """
    return int(text_fingerprint[8:16], 16) % 20 == 0
