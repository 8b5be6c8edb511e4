"use strict";
// Lists what happens, and draws the screens of phones anew that show another picture.
const list = document.getElementById("events");
const state = document.getElementById("live");
const most = 200;

function words(event) {
  const who = event.user ? ` by ${event.user}` : "";
  switch (event.kind) {
    case "request":
      return `${event.service} ${event.operation}${who}: HTTP ${event.status}`;
    case "authentication":
      return `${event.phone} asks for ${event.user}: ${event.authorized ? "AUTHORIZED" : "refused"}`;
    case "push":
      return `${event.phone} push${who}: ${event.result}, ${event.downloads.length} downloads`;
    default:
      return `${event.phone} downloads ${event.downloads.length} files`;
  }
}

function redraw(name) {
  for (const row of document.querySelectorAll("tr[data-phone]")) {
    const image = row.dataset.phone === name && row.querySelector("img");
    if (image) {
      image.src = `/sim/screen/${encodeURIComponent(name)}?at=${Date.now()}`;
    }
  }
}

const source = new EventSource("/sim/events");
source.onopen = () => { state.textContent = "Live. Newest first."; };
source.onerror = () => { state.textContent = "The simulator does not answer."; };
source.onmessage = (message) => {
  const event = JSON.parse(message.data);
  const item = document.createElement("li");
  item.textContent = `${event.at.toFixed(1)} s  ${words(event)}`;
  list.prepend(item);
  while (list.children.length > most) {
    list.lastElementChild.remove();
  }
  if (event.shows) {
    redraw(event.phone);
  }
};
