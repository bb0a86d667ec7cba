// Makes a page live that works without it: fresh content, ticking times, a command line that does not reload, keys.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- fresh content: ask the server for the same page and take over what is marked as live
let asking = null;
const take = (html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const place of all("[data-live]")) {
    const next = fresh.getElementById(place.id);
    if (!next || place.contains(document.activeElement) && place.id === "reply") continue;
    const known = new Set(all("[id]", place).map((one) => one.id));
    const open = all("details", place).map((one) => one.open);
    const focus = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    place.replaceChildren(...next.childNodes);
    if (known.size) all(".entry[id]", place).filter((one) => !known.has(one.id)).forEach((one) => one.classList.add("fresh"));
    const details = all("details", place);
    if (details.length === open.length) details.forEach((one, index) => { one.open = open[index]; });
    if (focus) $(`[data-key="${CSS.escape(focus)}"]`, place)?.focus();
  }
  const key = $("#command [name=key]", fresh);
  if (key) $("#command [name=key]").value = key.value;
  const typed = $("#text", fresh)?.value;
  if (typed) { $("#text").value = typed; $("#text").focus(); } // A refused command, to be mended.
  document.title = fresh.title;
  tick();
};
const refresh = () => {
  asking ??= fetch(location.href, { headers: { accept: "text/html" } })
    .then(async (answer) => { if (answer.ok && !answer.redirected) take(keepReply(await answer.text())); })
    .catch(() => {})
    .finally(() => { asking = null; });
};
// A refresh carries no reply; the one on the screen stays.
const keepReply = (html) => html.replace('<div id="reply" data-live>', "<div>");

const live = $("#live");
if (live?.dataset.stream) {
  let stream = null;
  const follow = () => {
    stream = new EventSource(live.dataset.stream);
    let waiting = 0;
    stream.addEventListener("entry", () => { clearTimeout(waiting); waiting = setTimeout(refresh, 150); });
  };
  follow();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { follow(); refresh(); } });
}
const every = Number(live?.dataset.every ?? 60);
if (live) setInterval(() => { if (!document.hidden) refresh(); }, every * 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && live) refresh(); });

// --- times
const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const away = (seconds) => {
  const size = Math.abs(seconds);
  const [length, unit] = units.find(([one]) => size >= one) ?? [1, "s"];
  const text = `${Math.floor(size / length)} ${unit}`;
  return size < 1 ? "now" : seconds > 0 ? `in ${text}` : `${text} ago`;
};
// The server's clock counts: this machine's may be wrong, and a demonstration runs ahead of it.
const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;
const tick = () => all("time .ago").forEach((one) => {
  one.textContent = away((Date.parse(one.parentElement.dateTime) - Date.now() - skew) / 1000);
});
setInterval(tick, 1000);

// --- the command line and the buttons, without a reload
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.action.endsWith("/commands")) return;
  event.preventDefault();
  const button = $("button:not([type=button])", form);
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "post", body: new URLSearchParams(new FormData(form)), headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) { location.assign(answer.url); return; }
    take(await answer.text());
    if (form.id === "command" && answer.ok) form.elements.text.value = "";
  } catch { form.submit(); } finally { button.disabled = false; }
});

// --- keys
let row = -1;
const go = (by) => {
  const rows = all("[data-row]");
  if (!rows.length) return;
  rows[row]?.classList.remove("here");
  row = Math.min(Math.max(row + by, 0), rows.length - 1);
  rows[row].classList.add("here");
  $("a", rows[row]).focus({ preventScroll: true });
  rows[row].scrollIntoView({ block: "nearest" });
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("input")) { event.target.blur(); return; }
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    "?": () => $("#keys")?.showModal(),
    "/": () => $("#text")?.focus(),
    j: () => go(1),
    k: () => go(-1),
    p: () => $('[data-go="p"]')?.click(),
    n: () => $('[data-go="n"]')?.click(),
    t: () => $('[data-go="t"]')?.click(),
    a: () => {
      // On a list the chosen incident, never just the first one.
      const place = all("[data-row]").length ? all("[data-row]")[row] : document;
      if (place) $('[data-key="a"]', place)?.closest("form").requestSubmit();
    },
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
