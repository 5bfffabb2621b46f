"""The checker of histories finds what is wrong, each kind of it, and nothing in a right one."""

import dataclasses
import random
import unittest

from nodes_history import BOUND, Loss, Operation, violations


def refresh(begun, ended, presented, received, outcome="ok", token=None):
    return Operation("s", "refresh", begun, ended, outcome, presented, received, token or f"token {received}")


def me(begun, outcome="ok"):
    return Operation("s", "me", begun, begun + 0.1, outcome)


def logout(begun, ended, outcome="ok"):
    return Operation("s", "logout", begun, ended, outcome)


RIGHT = [
    refresh(0, 1, 1, 2),
    # Two tabs, and one whose answer was lost.
    refresh(0, 1, 1, 2),
    refresh(2, 3, 2, 3, "unknown"),
    refresh(3, 4, 2, 3),
    # At once: either may be first.
    refresh(5, 7, 3, 3),
    refresh(6, 8, 3, 4),
    me(8),
    refresh(9, 12, 4, 5),
    me(10.5),
    logout(10, 11),
    me(11 + BOUND - 0.1),
    me(11 + BOUND + 1, "refused"),
    refresh(14, 15, 4, 0, "refused"),
]
WRONG = {
    "was answered with": [refresh(0, 1, 1, 3)],
    "two tokens": [refresh(0, 1, 1, 2), refresh(0, 1, 1, 2, token="another")],
    "had been seen": [refresh(0, 1, 1, 2), refresh(2, 3, 2, 3), refresh(4, 5, 1, 2)],
    "nobody had logged out": [refresh(0, 1, 1, 2), me(2, "refused"), logout(3, 4)],
    "refresh was done": [logout(0, 1), refresh(1.5, 2, 1, 2)],
    "me was done": [logout(0, 1), me(1 + BOUND + 0.1)],
    "refresh was refused": [refresh(0, 1, 1, 0, "refused")],
    "refresh was done 1": [logout(0, 1, "unknown"), me(2, "refused"), refresh(3.2, 4, 1, 2)],
}


# Another database takes over from 10 to 11. What was answered within that time may not be there: a rotation that is done anew, an end.
LOSS = Loss(10, 11, frozenset())
RIGHT_AFTER_A_LOSS = [refresh(8, 9, 1, 2), refresh(10, 10.5, 2, 3), logout(10.1, 10.6), me(11.5), refresh(12, 13, 2, 3, token="another"), refresh(14, 15, 3, 4)]
WRONG_AFTER_A_LOSS = {
    "two tokens": [refresh(8, 9, 1, 2), refresh(12, 13, 1, 2, token="another")],
    "had been seen": [refresh(8, 9, 1, 2), refresh(9, 9.5, 2, 3), refresh(12, 13, 1, 2)],
    "nobody had logged out": [refresh(10, 10.5, 1, 2), me(12, "refused")],
    "refresh was done": [logout(8, 9), refresh(12, 13, 1, 2)],
    "me was done": [logout(11.2, 11.3), me(11.4 + BOUND)],
}


class Checker(unittest.TestCase):
    def test_a_right_history_passes_in_any_order(self):
        for seed in range(50):
            history = RIGHT[:]
            random.Random(seed).shuffle(history)
            self.assertEqual(violations(history), [])

    def test_each_kind_of_wrong_history_is_found(self):
        for words, history in WRONG.items():
            found = violations(history)
            self.assertTrue(any(words in violation for violation in found), (words, found))

    def test_a_loss_excuses_what_was_lost_and_nothing_else(self):
        self.assertEqual(violations(RIGHT_AFTER_A_LOSS, [LOSS]), [])
        for history in (RIGHT_AFTER_A_LOSS, RIGHT_AFTER_A_LOSS[:2] + RIGHT_AFTER_A_LOSS[3:]):
            self.assertNotEqual(violations(history), [])
        for words, history in WRONG_AFTER_A_LOSS.items():
            found = violations(history, [LOSS])
            self.assertTrue(any(words in violation for violation in found), (words, found))

    def test_whose_session_is_lost_may_be_refused_and_nobody_else(self):
        history = [refresh(8, 9, 1, 2), me(12, "refused")]
        self.assertEqual(violations(history, [dataclasses.replace(LOSS, sessions=frozenset("s"))]), [])
        for sessions in ("", "t"):
            self.assertEqual(len(violations(history, [dataclasses.replace(LOSS, sessions=frozenset(sessions))])), 1)
        before = [me(9, "refused"), *history]
        self.assertNotEqual(violations(before, [dataclasses.replace(LOSS, sessions=frozenset("s"))]), [])

    def test_sessions_do_not_meet(self):
        other = [dataclasses.replace(operation, session="t", token="of t") for operation in RIGHT]
        self.assertEqual(violations(RIGHT + other), [])


if __name__ == "__main__":
    unittest.main()
