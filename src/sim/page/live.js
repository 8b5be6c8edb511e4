"use strict";
// Renews the tables and the list of events from the server after something has happened, at most twice a second.
const state = document.getElementById("live");
const unreachable = "The simulator does not answer.";
let due = false;

async function renew() {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const images = new Map();
    for (const image of part.querySelectorAll("img")) {
      images.set(image.getAttribute("src"), image);
    }
    part.replaceChildren(...fresh.getElementById(part.id).childNodes);
    // A screen that shows the same picture is not loaded again.
    for (const image of part.querySelectorAll("img")) {
      const same = images.get(image.getAttribute("src"));
      if (same) {
        image.replaceWith(same);
      }
    }
  }
}

function renewSoon() {
  if (due) {
    return;
  }
  due = true;
  setTimeout(() => {
    due = false;
    renew().catch(() => { state.textContent = unreachable; });
  }, 500);
}

const source = new EventSource("/sim/events");
// Something may have happened between the page and this connection.
source.onopen = () => { state.textContent = "Live, newest first."; renewSoon(); };
source.onerror = () => { state.textContent = unreachable; };
source.onmessage = renewSoon;
