// Keeps the live parts of an open page fresh: looks every two seconds and replaces the parts
// that have changed. Without it everything works, and a reload shows the same.
(() => {
  "use strict";
  const every = 2000;
  const parts = () => [...document.querySelectorAll("[data-live][id]")];
  const busy = (el) => el.contains(document.activeElement) &&
    document.activeElement.matches("input, select, textarea, button, summary, pre") || (document.getSelection() + "") !== "";
  const toBottom = (el) => { el.scrollTop = el.scrollHeight; };

  function swap(old, fresh) {
    const open = [...old.querySelectorAll("details[open][id]")].map((d) => d.id);
    const low = old.scrollTop + old.clientHeight >= old.scrollHeight - 8;
    for (const id of open) {
      const d = fresh.querySelector("#" + CSS.escape(id));
      if (d) d.open = true;
    }
    if (old.innerHTML === fresh.innerHTML) return;
    old.replaceChildren(...fresh.childNodes);
    if (low && old.hasAttribute("data-bottom")) toBottom(old);
  }

  async function look() {
    try {
      if (document.hidden || parts().length === 0) return;
      const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "1" }, cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of parts()) {
        const part = fresh.getElementById(old.id);
        if (part && !busy(old)) swap(old, part);
      }
      document.documentElement.removeAttribute("data-offline");
    } catch {
      document.documentElement.setAttribute("data-offline", "");
    } finally {
      setTimeout(look, every);
    }
  }

  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  document.querySelectorAll("[data-bottom]").forEach(toBottom);
  setTimeout(look, every);
})();
