"use strict";
// A rollout that is being made: the focus point is dragged, and the panels and the count follow what is chosen.
(() => {
  const form = document.getElementById("draft");
  const picture = document.getElementById("focus");
  const ring = document.getElementById("ring");
  const field = (name) => form.elements[name];
  let wanted = 0;
  let wait;

  const renew = async () => {
    const mine = ++wanted;
    const body = new URLSearchParams(new FormData(form));
    body.set("do", "update");
    const answer = await fetch(form.action, { method: "POST", body });
    // A later choice has its own answer.
    if (!answer.ok || mine !== wanted) return;
    if (new URL(answer.url).pathname === "/login") {
      location.assign("/login");
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["part-panels", "part-count"]) {
      const [part, next] = [document.getElementById(id), fresh.getElementById(id)];
      if (part && next && !part.contains(document.activeElement)) part.replaceChildren(...next.childNodes);
    }
  };

  const renewSoon = () => {
    clearTimeout(wait);
    wait = setTimeout(() => renew().catch(() => {}), 300);
  };

  const draw = () => {
    ring?.classList.toggle("off", field("focus").value !== "point");
    for (const circle of ring?.children ?? []) {
      circle.setAttribute("cx", `${field("focus-x").value}%`);
      circle.setAttribute("cy", `${field("focus-y").value}%`);
    }
  };

  const move = (event) => {
    const box = picture.getBoundingClientRect();
    const percent = (at, from, length) => Math.min(100, Math.max(0, ((at - from) / length) * 100)).toFixed(1);
    field("focus-x").value = percent(event.clientX, box.left, box.width);
    field("focus-y").value = percent(event.clientY, box.top, box.height);
    form.querySelector("input[name=focus][value=point]").checked = true;
    draw();
  };

  picture?.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    picture.setPointerCapture(event.pointerId);
    move(event);
  });
  picture?.addEventListener("pointermove", (event) => {
    if (picture.hasPointerCapture(event.pointerId)) move(event);
  });
  picture?.addEventListener("pointerup", renewSoon);
  form.addEventListener("input", (event) => {
    if (/^focus-/.test(event.target.name)) form.querySelector("input[name=focus][value=point]").checked = true;
    if (/^focus/.test(event.target.name)) draw();
    renewSoon();
  });
  // Enter in a field shows the choice; only the button asks the cluster.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.localName === "input") {
      event.preventDefault();
      renewSoon();
    }
  });
})();
