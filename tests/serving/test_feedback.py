"""Feedback and the directory over HTTP: for the own book alone, and no name in errors, logs or audit."""

from __future__ import annotations

import pytest

from tests.serving.small_bank import FOREIGN, OWN, Bank
from vipreco.store import DirectoryEntry, Role

NAME, PHONE = "Planted Zhang Qiyue", "+86 139 1111 2222"


def marked(bank: Bank, **changed: str) -> int:
    sent = {"customer_id": OWN, "product_id": "P1", "reason_id": "balance", "cause": "wrong"} | changed
    return bank.ask("POST", "/v1/feedback", Role.MANAGER, json=sent).status_code


def test_a_mark_is_recorded_with_its_audit_record_and_what_does_not_exist_is_refused(bank: Bank) -> None:
    assert marked(bank) == 201
    assert marked(bank, customer_id=FOREIGN) == 404
    assert marked(bank, product_id="P99") == 409
    assert marked(bank, reason_id="no-such-reason") == 409
    assert marked(bank, cause="boring") == 422
    (found,) = bank.state.store.feedback.marked(bank.state.today())
    assert (found.reason_id, found.cause, found.marks) == ("balance", "wrong", 1)
    results = [record["result"] for record in bank.audit() if record["action"] == "feedback.record"]
    assert results == ["ok", "unknown"]


def test_offers_tell_the_multiple_of_the_usual_chance_and_the_evidence_behind(bank: Bank) -> None:
    first, second, third = bank.offers(limit=3).json()["offers"]
    assert (first["times_usual"], first["acquisitions"], first["thin_evidence"]) == (5.0, 240, False)
    assert (second["times_usual"], second["acquisitions"], second["thin_evidence"]) == (5.0, 3, True)
    assert (third["times_usual"], third["acquisitions"], third["thin_evidence"]) == (None, None, None)


def test_a_sheet_names_the_customer_and_nothing_else_does(
    bank: Bank, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = DirectoryEntry(OWN, NAME, "Ms", PHONE, "mornings")
    bank.state.store.directory.add([entry, DirectoryEntry(FOREIGN, "Somebody Else")])
    sheet = bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.MANAGER).json()
    assert sheet["person"] == {
        "name": NAME,
        "salutation": "Ms",
        "phone": PHONE,
        "preferred_hours": "mornings",
    }
    answers = [
        bank.ask("GET", f"/v1/customers/{FOREIGN}/sheet", Role.MANAGER),
        bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.CHANNEL),
        bank.offers(),
        bank.offers(customer_id=NAME),
        bank.ask("POST", "/v1/feedback", Role.MANAGER, json={"customer_id": OWN}),
    ]
    told = "".join(answer.text + str(dict(answer.headers)) for answer in answers)
    assert NAME not in told.replace(f'"customer_id":"{NAME}"', "")
    assert "Somebody Else" not in told
    assert NAME not in str(bank.audit())
    assert NAME not in capsys.readouterr().err
