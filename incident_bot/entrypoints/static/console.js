// Makes a page live that works without it: htmx brings fresh content, this keeps times, keys and what people have begun.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- fresh content is morphed in: what somebody types, opened or is reading stays as it is
const begun = (node) => node.matches("textarea, input:not([type=hidden])") && node.value !== node.defaultValue;
Object.assign(Idiomorph.defaults, { ignoreActiveValue: true });
Object.assign(Idiomorph.defaults.callbacks, {
  beforeAttributeUpdated: (name, node) => !(
    name === "open" || name === "value" && begun(node) || name === "class" && node.matches("[data-row].here")
  ),
  beforeNodeMorphed: (node) => !(node.nodeType === 1 && (node.matches("select:focus") || node.matches("textarea") && begun(node))),
  afterNodeAdded: (node) => { if (node.nodeType === 1 && node.matches(".entry[id]")) node.classList.add("fresh"); },
});

const unheard = $("#unheard");
const tell = (text) => { if (unheard) { unheard.textContent = text; unheard.hidden = !text; } };
const here = (address) => new URL(address || location.href, location.href);

document.addEventListener("htmx:beforeRequest", (event) => {
  // Nobody looks: the page is made fresh when somebody does.
  if (document.hidden && event.detail.elt.id === "live") event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  const arrived = here(xhr.responseURL);
  // Refused on a page without a command line: the incident's own page says why, and nothing was done, so ask again for it.
  if (xhr.status === 409 && !$("#line")) { event.detail.shouldSwap = false; requestConfig.elt.submit(); return; }
  if (arrived.pathname === location.pathname || arrived.pathname.endsWith("/commands")) return;
  event.detail.shouldSwap = false;
  if (requestConfig.verb === "get") tell("You are not signed in any more; load the page anew.");
  else location.assign(arrived);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, elt, successful } = event.detail;
  if (successful) tell("");
  if (!elt.matches("form")) return;
  if (xhr.status < 400) all("textarea, input:not([type=hidden])", elt).forEach((one) => { one.value = one.defaultValue = ""; });
  if (xhr.status === 409) $("#text")?.focus(); // What was refused stands in the command line, to be mended.
});
document.addEventListener("htmx:responseError", (event) => {
  tell(`That did not work (${event.detail.xhr.status}). Nothing was lost; try again.`);
});
// Nothing leads away from the page: what was typed stays, and a second press carries the same key.
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.matches("form")) tell("The bot does not answer; nothing was done. Press again in a moment.");
  else tell("The bot does not answer; what stands here may be old.");
});
let lost = 0; // A stream that ends is opened anew at once; only one that stays away is worth a word.
document.addEventListener("htmx:sseError", () => {
  lost ||= setTimeout(() => tell("The bot does not answer; what stands here may be old."), 3000);
});
document.addEventListener("htmx:sseOpen", () => {
  if (!lost) return;
  clearTimeout(lost);
  lost = 0;
  tell("");
  htmx.trigger("#live", "refresh");
});
document.addEventListener("htmx:afterSwap", () => tick());
document.addEventListener("visibilitychange", () => { if (!document.hidden && $("#live[hx-get]")) htmx.trigger("#live", "refresh"); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// --- times
const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const away = (seconds) => {
  const size = Math.abs(seconds);
  const [length, unit] = units.find(([one]) => size >= one) ?? [1, "s"];
  const text = `${Math.floor(size / length)} ${unit}`;
  return size < 1 ? "now" : seconds > 0 ? `in ${text}` : `${text} ago`;
};
const countdown = (seconds) => {
  const left = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(left % 60)}`;
};
// The server's clock counts: this machine's may be wrong, and a demonstration runs ahead of it.
const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;
const until = (time) => (Date.parse(time.dateTime) - Date.now() - skew) / 1000;
const tick = () => {
  all("time .ago").forEach((one) => { one.textContent = away(until(one.parentElement)); });
  all("time[data-countdown]").forEach((one) => { one.textContent = countdown(until(one)); });
};
setInterval(tick, 1000);
tick();

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
const press = (key) => {
  // On a list the chosen incident, never just the first one.
  const place = all("[data-row]").length ? all("[data-row]")[row] : document;
  const button = place && $(`[data-key="${key}"]`, place);
  if (button) button.form.requestSubmit(button);
};
const follow = (key) => $(`[data-go="${key}"]`)?.click();
const aim = (key) => $(`.acts [data-key="${key}"]`)?.focus();
const sent = [];
let back = 0;
document.addEventListener("submit", (event) => {
  const text = event.target.id === "command" && event.target.elements.text.value;
  if (text) { sent.push(text); back = sent.length; }
}, true);
let leader = 0;
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (target.id === "text" && (key === "ArrowUp" || key === "ArrowDown") && sent.length) {
    back = Math.min(Math.max(back + (key === "ArrowUp" ? -1 : 1), 0), sent.length);
    target.value = sent[back] ?? "";
    event.preventDefault();
    return;
  }
  if (key === "Escape" && target.matches("input, textarea") && !target.closest("dialog")) { target.blur(); return; }
  // A dialog that was just closed keeps the focus until the next frame; it holds no key back any more.
  const held = target.closest("dialog, input, select, textarea") && !target.closest("dialog:not([open])");
  if (held || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.timeStamp < leader) {
    const place = $(`[data-place="${key}"]`);
    leader = 0;
    if (place) { event.preventDefault(); place.click(); }
    return;
  }
  const keys = {
    "?": () => $("#keys")?.showModal(),
    "/": () => $("#text")?.focus(),
    g: () => { leader = event.timeStamp + 1500; },
    j: () => go(1),
    k: () => go(-1),
    p: () => follow("p"),
    n: () => { const text = $("#note-text"); if (text) text.focus(); else follow("n"); },
    t: () => follow("t"),
    a: () => press("a"),
    r: () => aim("r"),
    e: () => aim("e"),
  };
  if (keys[key]) { event.preventDefault(); keys[key](); }
});
