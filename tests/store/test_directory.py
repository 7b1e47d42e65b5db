"""The directory of names, on both databases: scope, replacement, deletion, erasure, refused files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vipreco.errors import InputRejectedError, UsageError
from vipreco.store import DirectoryEntry, Role, Scope, Store, read_directory

DAY = date(2026, 3, 2)
MINE = Scope("user:ann", Role.MANAGER, "M1", DAY)
THEIRS = Scope("user:bob", Role.MANAGER, "M2", DAY)
ADMIN = Scope("user:root", Role.ADMIN)
LI = DirectoryEntry("0001", "Li Qiang", "Mr", "+86 138 0000 0000", "after 18:00")
WANG = DirectoryEntry("0003", "王秀英", "女士")


def test_a_name_is_seen_by_those_who_see_the_customer(store: Store) -> None:
    store.directory.add([LI, WANG])
    assert store.directory.of(MINE) == {"0001": LI}
    assert store.directory.of(THEIRS) == {"0003": WANG}
    assert store.directory.of(ADMIN) == {}
    assert store.directory.of(Scope("token:1", Role.CHANNEL), ["0003"]) == {"0003": WANG}


def test_an_entry_replaces_that_of_the_same_customer_and_is_deleted_alone_or_with_all(store: Store) -> None:
    store.directory.add([LI, WANG])
    moved = DirectoryEntry("0001", "Li Qiang", "Mr", "", "mornings")
    store.directory.add([moved])
    assert store.directory.all() == [moved, WANG]
    assert store.directory.delete("0001") == 1
    assert store.directory.all() == [WANG]
    assert store.directory.delete() == 1
    assert store.directory.count() == 0


def test_an_entry_is_part_of_what_is_exported_and_erased_of_a_customer(store: Store) -> None:
    store.directory.add([LI, WANG])
    assert store.subjects.export("0001", "p1")["directory"][0]["phone"] == LI.phone
    assert store.subjects.erase("0001", "p1", DAY)["directory"] == 1
    assert store.directory.all() == [WANG]


def test_a_file_is_read_as_text_and_an_export_of_it_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "directory.csv"
    file.write_text(
        "customer_id,phone,name,salutation,preferred_hours\n0001,'+86 138 0000 0000,Li Qiang,Mr,after 18:00\n"
        "0003,,王秀英,女士,\n",
        encoding="utf-8-sig",
    )
    assert read_directory(file) == [LI, WANG]
    file.write_text("customer_id,name\n0003,王秀英\n", encoding="gb18030")
    assert read_directory(file, "gb18030") == [DirectoryEntry("0003", "王秀英")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("customer_id,phone\n0001,Planted Person\n", "directory.csv"),
        ("customer_id,name,nickname\n0001,Planted Person,x\n", "directory.csv"),
        ("customer_id,name\n0001,Planted Person,more\n", "line 2"),
        ("customer_id,name\n0001,\n", "line 2, column name"),
        ("customer_id,name\n,Planted Person\n", "line 2, column customer_id"),
        ("customer_id,name\n0001,Planted Person\n0001,Planted Person\n", "line 3, column customer_id"),
        (f"customer_id,name\n0001,{'Planted Person' * 20}\n", "line 2, column name"),
        ("customer_id,name\n0001,Planted\x07Person\n", "line 2, column name"),
        ('customer_id,name\n0001,"Planted Person\n', "directory.csv"),
    ],
)
def test_a_wrong_file_is_refused_at_its_place_without_a_word_of_what_stands_there(
    tmp_path: Path, text: str, where: str
) -> None:
    file = tmp_path / "directory.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputRejectedError) as refused:
        read_directory(file)
    told = str(refused.value) + str(refused.value.where) + str(refused.value.remedy)
    assert where in told
    assert "Planted" not in told


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "directory.csv"
    file.write_text("customer_id,name\n0003,王秀英\n", encoding="gb18030")
    with pytest.raises(UsageError, match="cannot be read"):
        read_directory(file)
