// Comfort for the keyboard. Everything on the page works without it.
(() => {
  "use strict";
  const all = (what) => [...document.querySelectorAll(what)];
  const typing = (element) => element.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
  const follow = (what) => document.querySelector(what)?.click();

  function move(step) {
    const links = all(".calls a.id, .rail ol a");
    if (links.length === 0) return;
    const current = links.findIndex((link) => link === document.activeElement || link.ariaCurrent === "page");
    links[Math.min(Math.max(current + step, 0), links.length - 1)].focus();
  }

  function suggestDate() {
    const date = document.querySelector("input[name=next_date]");
    const chosen = document.querySelector("input[name=outcome]:checked");
    if (!date || !chosen) return;
    if (chosen.value === "postponed" && !date.value) {
      date.value = date.dataset.suggest;
      date.dataset.suggested = "yes";
    } else if (chosen.value !== "postponed" && date.dataset.suggested) {
      date.value = "";
      delete date.dataset.suggested;
    }
  }

  function choose(number) {
    const radio = all("input[name=outcome]")[number - 1];
    if (!radio) return;
    radio.checked = true;
    radio.focus();
    suggestDate();
  }

  const keys = {
    "/": () => document.querySelector("#search")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    n: () => follow("[data-next]"),
    p: () => history.back(),
    l: () => follow("[data-list]"),
    "?": () => document.querySelector("#keys")?.showModal(),
  };

  function enabled() {
    return localStorage.getItem("keys") !== "off";
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      document.querySelector("form.record")?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !enabled()) return;
    if (document.querySelector("dialog[open]")) return;
    if (/^[1-7]$/.test(event.key)) choose(Number(event.key));
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    if (event.target.closest("[data-keys]")) document.querySelector("#keys").showModal();
  });

  document.addEventListener("change", (event) => {
    if (event.target.name === "outcome") suggestDate();
    if (event.target.id === "keys-enabled") localStorage.setItem("keys", event.target.checked ? "on" : "off");
  });

  if (document.querySelector("[data-running]")) setTimeout(() => location.reload(), 2000);

  const switched = document.querySelector("#keys-enabled");
  if (switched) switched.checked = enabled();
})();
