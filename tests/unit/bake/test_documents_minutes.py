"""The simulation says what the document says, and nothing that its graph does not follow from."""

from itertools import pairwise

from tests.bench.documents_minutes import LEAST, MOST, cases, table


def test_one_after_another_is_the_documents_own_sum() -> None:
    sequential = cases()[0]
    assert (sequential.least, sequential.most) == (sum(LEAST.values()), sum(MOST.values())) == (16, 57)
    assert len(sequential.path.names) == len(MOST)


def test_every_case_is_shorter_than_the_one_before() -> None:
    found = cases()
    for before, after in pairwise(found):
        assert after.least <= before.least and after.most <= before.most
    assert (found[-1].least, found[-1].most) == (10.5, 44)


def test_it_says_that_it_is_a_simulation() -> None:
    assert table(cases()).startswith("SIMULATION")
