"""Kill switches as people and programs set them: of products and models that are served, with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from serving.http.app_state import AppState, clock
from vipreco.errors import UsageError
from vipreco.store import Event, Scope


@dataclass(frozen=True)
class KillSwitches:
    """The kill switches for whoever may set them.

    Args:
        state: With the store.
        scope: Who sets them.
        purpose: Of the changes, in the audit.
    """

    state: AppState
    scope: Scope
    purpose: str = ""

    def off(self, kind: str, name: str, reason: str) -> None:
        """Switch a product or the model off, with its audit record.

        Raises:
            UsageError: There is no such product or model, or no reason.
        """
        if name not in self._names(kind):
            raise UsageError("there is no such product or model", where="name", code="unknown-switch")
        with self.state.store.database.writing():
            self.state.store.switches.off(self.scope, kind, name, reason, clock())
            self._note("switch.off", kind, name)
        self.state.refresh()

    def on(self, kind: str, name: str) -> None:
        """Switch a product or a model on again, with its audit record.

        Raises:
            UsageError: It is not off.
        """
        with self.state.store.database.writing():
            self.state.store.switches.on(kind, name)
            self._note("switch.on", kind, name)
        self.state.refresh()

    def _names(self, kind: str) -> frozenset[str]:
        release = self.state.release
        models = () if release is None else (release.model_version,)
        return frozenset({"product": self.state.product_ids or (), "model": models}.get(kind, ()))

    def _note(self, action: str, kind: str, name: str) -> None:
        event = Event(self.scope.actor, action, f"{kind}:{name}", purpose=self.purpose)
        self.state.note_at_once(event)
