"""Modules import each other in one direction."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.architecture.source import modules


@pytest.mark.parametrize("package", ["vipreco", "serving", "training"])
def test_no_modules_import_each_other_in_a_circle(package) -> None:
    graph = grimp.build_graph(package, include_external_packages=False)
    known = {module.name for module in modules()}
    edges = {name: graph.find_modules_directly_imported_by(name) & known for name in graph.modules}
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))
