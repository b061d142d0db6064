"""A simulated company whose leaving rule is known: an answer key, not evidence about real people.

``billing``, ``faults``, ``service`` and the like each move one part of the world one month on, in
the order of ``happenings``; ``rule`` holds every coefficient of the leaving rule, ``hazard`` works
it out, ``leaving`` draws who leaves; ``simulate`` runs the months and writes the tables and the
truth, ``dials`` says what a caller may turn.
"""
