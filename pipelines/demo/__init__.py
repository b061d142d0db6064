"""A simulated company whose leaving rule is known: an answer key, not evidence about real people.

``population``, ``prices``, ``billing``, ``paying``, ``service``, ``faults``, ``feedback`` and
``leaving`` each move one part of the world one month on; ``hazard`` holds the leaving rule and
every coefficient of it; ``simulate`` runs the months and writes the tables and the truth.
"""
