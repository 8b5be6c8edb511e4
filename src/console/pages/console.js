"use strict";
// Renews the parts of the page when the journal changes. Without this script a reload does the same.
(() => {
  const state = document.getElementById("live");
  let due = false;
  let wait = 0;

  const say = (text) => {
    state.textContent = text;
    state.hidden = text === "";
  };

  // Links of charts lead to the table of phones in the report, which filters by them.
  const linkFilters = () => {
    const report = document.querySelector("a[href$='/report']");
    if (!report) return;
    for (const link of document.querySelectorAll("a[data-filter]")) {
      link.setAttribute("href", `${report.getAttribute("href")}#${link.dataset.filter}`);
    }
  };

  const renew = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/login") {
      location.assign("/login");
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      // What a person is using is not taken away.
      const isUsed = part.contains(document.activeElement) && document.activeElement !== document.body;
      const isOpen = part.querySelector("details[open]");
      if (!next || next.innerHTML === part.innerHTML) continue;
      if (isOpen && isUsed) continue;
      const focused = isUsed ? focusPath(part) : null;
      part.replaceChildren(...next.childNodes);
      if (focused) part.querySelector(focused)?.focus();
    }
    linkFilters();
    say("");
  };

  // A selector of the element that has the focus: by its form or its address.
  const focusPath = () => {
    const active = document.activeElement;
    const form = active.closest("form");
    if (form) return `form[action="${form.getAttribute("action")}"] ${active.localName}`;
    return active.hasAttribute("href") ? `a[href="${CSS.escape(active.getAttribute("href"))}"]` : null;
  };

  const renewSoon = () => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      renew().catch(() => say("The console does not answer."));
    }, 200);
  };

  const listen = () => {
    const source = new EventSource("/events");
    source.addEventListener("change", renewSoon);
    source.onopen = () => {
      // Something may have happened between the page and this connection.
      if (wait > 0) renewSoon();
      wait = 0;
    };
    source.onerror = () => {
      say("The console does not answer. The page is as it was last.");
      wait = Math.min(wait + 1, 10);
      // A refused stream does not come back by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, wait * 3000);
    };
  };

  // What changes without the journal is asked for again, while somebody can see it.
  const again = () => {
    const part = document.querySelector("[data-again]");
    if (part && !document.hidden) renewSoon();
    setTimeout(again, Number(part?.dataset.again ?? 2) * 1000);
  };
  setTimeout(again, 1000);

  linkFilters();
  listen();
})();
