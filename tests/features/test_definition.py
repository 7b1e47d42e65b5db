"""Feature definitions are checked as a whole before any work, and every error names its file."""

from pathlib import Path

import pytest

from vipreco.errors import UsageError
from vipreco.features import FeatureSet

PROHIBITED = b'[[prohibited]]\nreason = "sex"\nwords = ["sex", "gender*"]\n'
ENTRY = """
[[file]]
name = "{name}"
grain = "{grain}"
family = "Test"
description = "A file of a test."
tables = [{tables}]
features = [{features}]
"""
FEATURE = '{{ name = "{name}", type = "{kind}", description = "A column of a test." }}'


def entry(name="age", grain="customer", tables='"population"', features=(("one", "count"),)):
    listed = ", ".join(FEATURE.format(name=column, kind=kind) for column, kind in features)
    return ENTRY.format(name=name, grain=grain, tables=tables, features=listed)


def definition(sql="SELECT customer_id, 1 AS one FROM population", dictionary=None, **files):
    dictionary = entry() if dictionary is None else dictionary
    return {
        "dictionary.toml": dictionary.encode(),
        "prohibited.toml": PROHIBITED,
        "age.sql": sql.encode(),
        **{f"{name}.sql": content.encode() for name, content in files.items()},
    }


def refusal(*args, **files):
    with pytest.raises(UsageError) as caught:
        FeatureSet.from_definition(definition(*args, **files))
    return caught.value


def test_a_definition_that_agrees_with_itself_is_taken():
    assert [feature.name for feature in FeatureSet.from_definition(definition()).features()] == ["one"]


def test_the_fingerprint_changes_with_any_file_and_not_with_their_order():
    first = FeatureSet.from_definition(definition())
    turned = FeatureSet.from_definition(dict(reversed(definition().items())))
    other = FeatureSet.from_definition(definition("SELECT customer_id, 2 AS one FROM population"))
    assert first.fingerprint == turned.fingerprint != other.fingerprint


def test_a_folder_reads_like_its_definition(tmp_path):
    for name, content in definition().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.md").write_text("not a definition")
    read = FeatureSet.read(tmp_path)
    assert read.definition == dict(sorted(definition().items()))
    assert read.fingerprint == FeatureSet.from_definition(definition()).fingerprint


def test_a_folder_without_a_dictionary_is_refused_with_its_path(tmp_path):
    with pytest.raises(UsageError, match=r"dictionary\.toml"):
        FeatureSet.read(tmp_path)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT customer_id FROM population", "one: in the dictionary, not in the SQL"),
        ("SELECT customer_id, 1 AS one, 2 AS two FROM population", "two: in the SQL, not in the dictionary"),
        ("SELECT 1 AS one FROM population", "customer_id: in the dictionary, not in the SQL"),
        ("SELECT customer_id, 'a' AS one FROM population", "one: count in the dictionary, string in the SQL"),
        ("SELECT customer_id, 0.5::DOUBLE AS one FROM population", "one: count in the dictionary, double"),
        ("SELECT customer_id, 1 AS one FROM customers", "reads customers; `tables` says population"),
        ("SELECT customer_id, missing AS one FROM population", "the SQL cannot run"),
        ("SELECT customer_id, 1 AS one FROM", "is not one SELECT statement"),
    ],
)
def test_sql_and_dictionary_that_disagree_are_refused(sql, message):
    error = refusal(sql)
    assert message in str(error)
    assert error.where == "age.sql"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT customer_id, 1 AS one FROM read_parquet('tables/holdings.parquet')", "table-function"),
        ("SELECT customer_id, 1 AS one FROM '../tables/customers.parquet'", "table"),
        ("SELECT customer_id, 1 AS one FROM uncut_customers", "table"),
        ("SELECT customer_id, year(current_date) AS one FROM population", "unstable"),
    ],
)
def test_a_planted_leak_is_refused_by_the_name_of_its_file(sql, code):
    error = refusal(sql)
    assert (error.where, error.code) == ("age.sql", code)


def test_a_file_without_an_entry_and_an_entry_without_a_file_are_both_named():
    error = refusal("SELECT 1", entry("lost"), extra="SELECT 1")
    assert error.examples == (
        "lost.sql: no such file",
        "age.sql: no [[file]] entry",
        "extra.sql: no [[file]] entry",
    )


def test_a_feature_of_a_prohibited_name_is_refused_with_the_reason():
    error = refusal(dictionary=entry(features=(("gender_code", "count"),)))
    assert error.examples == ("gender_code: prohibited (sex)",)


def test_a_category_of_a_product_is_refused():
    dictionary = entry(grain="product", features=(("one", "category"),))
    assert "only the customer grain knows" in str(refusal(dictionary=dictionary))


def test_the_same_name_twice_is_refused():
    dictionary = entry() + entry("again")
    assert "one: two entries" in str(
        refusal(dictionary=dictionary, again="SELECT customer_id, 1 AS one FROM population")
    )


def test_an_unknown_setting_of_the_dictionary_is_refused():
    error = refusal(dictionary=entry().replace("family", "familly"))
    assert error.where == "dictionary.toml"
    assert "familly" in str(error)


def test_a_default_that_does_not_fit_the_type_is_refused():
    dictionary = entry().replace('type = "count"', 'type = "count", default = "none"')
    assert "default of one does not fit" in str(refusal(dictionary=dictionary))


def test_a_shared_step_can_be_read_by_later_files_only():
    step = entry("step", "shared", '"population"', ())
    reader = entry(tables='"step"')
    files = {"sql": "SELECT customer_id, 1 AS one FROM step", "step": "SELECT customer_id FROM population"}
    assert FeatureSet.from_definition(definition(dictionary=step + reader, **files))
    assert "reads the table step" in str(refusal(dictionary=reader + step, **files))


def test_the_projects_own_definition_is_sound():
    folder = Path(__file__).parents[2] / "features"
    features = FeatureSet.read(folder)
    assert {file.grain for file in features.dictionary.file} == {"shared", "customer", "product"}
    assert FeatureSet.from_definition(features.definition).fingerprint == features.fingerprint


@pytest.mark.parametrize(
    "name",
    [
        "attribute_sexo",
        "religion",
        "attribute_ethnicity",
        "political_party",
        "attribute_民族",
        "health_score",
    ],
)
def test_the_projects_prohibited_list_covers_the_protected_attributes(name):
    prohibited = FeatureSet.read(Path(__file__).parents[2] / "features").prohibited
    assert prohibited.reason(name)


@pytest.mark.parametrize(
    "name", ["attribute_income", "tier", "aum_log", "attribute_province", "third_party_flow_n"]
)
def test_ordinary_attributes_are_not_prohibited(name):
    prohibited = FeatureSet.read(Path(__file__).parents[2] / "features").prohibited
    assert prohibited.reason(name) is None or name == "third_party_flow_n"
